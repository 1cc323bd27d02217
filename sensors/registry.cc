#include "sensors/registry.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace wayside {
namespace {

// The column of this name, made where there is none; `Name` says which member that is.
template <class Column, class Name>
Column& column_of(std::vector<Column>& columns, Name Column::*name, const Name& wanted) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& c) { return c.*name == wanted; });
  if (found != columns.end()) return *found;
  columns.emplace_back().*name = wanted;
  return columns.back();
}

template <class Column, class Name>
std::vector<std::string> names_of(const std::vector<Column>& columns, Name Column::*name) {
  std::vector<std::string> names;
  for (const Column& c : columns) names.push_back(c.*name);
  return names;
}

// Their places, in the order of their names.
std::vector<size_t> sorted(const std::vector<std::string>& names) {
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return names[a] < names[b]; });
  return order;
}

}  // namespace

bool Registry::add(const DeviceOptions& device, const std::set<std::string>& wanted) {
  const auto number = static_cast<uint32_t>(ids_.size());
  if (ids_.intern(device.id) != number) return false;
  if (device.blocked) {
    blocked_.resize(number + 1);
    blocked_[number] = true;
  }
  for (const auto& [name, text] : device.attributes) {
    if (text.empty()) continue;
    Attribute& attribute = column_of(attributes_, &Attribute::name, name);
    if (!wanted.contains(name)) continue;
    attribute.texts.resize(number + 1, Interner::kNone);
    attribute.texts[number] = texts_.intern(text);
  }
  for (const auto& [field, calibration] : device.calibrate) {
    Calibrated& calibrated = column_of(calibrated_, &Calibrated::field, field);
    calibrated.of.resize(number + 1, Calibration{0, 0});
    calibrated.of[number] = calibration;
  }
  return true;
}

void Registry::add_attribute(const std::string& name) {
  column_of(attributes_, &Attribute::name, name);
}

std::vector<std::string> Registry::attributes() const {
  return names_of(attributes_, &Attribute::name);
}

std::vector<std::string> Registry::calibrated_fields() const {
  return names_of(calibrated_, &Calibrated::field);
}

std::string_view Registry::attribute(uint32_t device, size_t attribute) const {
  const std::vector<uint32_t>& texts = attributes_[attribute].texts;
  if (device >= texts.size() || texts[device] == Interner::kNone) return {};
  return texts_.text(texts[device]);
}

const Calibration* Registry::calibration(uint32_t device, size_t field) const {
  const std::vector<Calibration>& of = calibrated_[field].of;
  return device < of.size() && of[device].scale != 0 ? &of[device] : nullptr;
}

void Registry::append_meaning(std::string& out) const {
  const std::vector<std::string> attributes = this->attributes(), fields = calibrated_fields();
  const std::vector<size_t> by_attribute = sorted(attributes), by_field = sorted(fields);
  std::vector<uint32_t> devices(size());
  std::iota(devices.begin(), devices.end(), 0u);
  std::sort(devices.begin(), devices.end(),
            [&](uint32_t a, uint32_t b) { return ids_.text(a) < ids_.text(b); });
  for (const uint32_t device : devices) {
    out.append("[device ").append(json_string(ids_.text(device))).append("]\n");
    if (is_blocked(device)) out.append("blocked\n");
    for (const size_t f : by_field) {
      const Calibration* calibration = this->calibration(device, f);
      if (!calibration) continue;
      out.append("calibrate ").append(fields[f]).append("=");
      append_json_number(out, calibration->scale);
      append_json_number(out.append(" "), calibration->offset);
      out.append("\n");
    }
    for (const size_t a : by_attribute) {
      const std::string_view text = attribute(device, a);
      if (!text.empty())
        out.append(attributes[a]).append("=").append(json_string(text)).append("\n");
    }
  }
}

}  // namespace wayside
