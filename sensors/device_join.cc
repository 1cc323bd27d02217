#include "sensors/device_join.h"

#include <algorithm>

#include "base/hash.h"

namespace wayside {
namespace {

constexpr uint32_t kNotYet = UINT32_MAX;

}  // namespace

DeviceJoin::DeviceJoin(const SourceOptions& options, const Schema& schema)
    : devices_(options.devices), columns_(options.attributes.size()) {
  const auto names = devices_ ? devices_->attributes() : std::vector<std::string>();
  for (const std::string& name : options.attributes) {
    const auto at = std::find(names.begin(), names.end(), name);
    attributes_.push_back(at == names.end() ? kNowhere : size_t(at - names.begin()));
  }
  if (!devices_) return;
  const auto fields = devices_->calibrated_fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    const size_t column = schema.find(fields[i]);
    const bool is_number =
        column < schema.fields.size() && schema.fields[column].type == FieldType::kNumber;
    if (is_number) calibrated_.push_back({column, i});
  }
}

uint64_t DeviceJoin::meaning(size_t column) const {
  uint64_t sum = 0;  // in whichever order devices stand
  for (const Calibrated& c : calibrated_) {
    if (c.column != column) continue;
    for (uint32_t device = 0; device < devices_->size(); ++device) {
      const Calibration* calibration = devices_->calibration(device, c.place);
      if (!calibration) continue;
      const double numbers[] = {calibration->scale, calibration->offset};
      const std::string_view bytes(reinterpret_cast<const char*>(numbers), sizeof numbers);
      sum += hash64(bytes, hash64(devices_->id(device)));
    }
  }
  return sum;
}

void DeviceJoin::look_at(ReadingBatch& batch, size_t begin, size_t rows) {
  if (generation_ != batch.generation) {
    generation_ = batch.generation;
    known_of_text_.clear();
    known_.clear();
    texts_.clear();
  }
  of_row_.resize(rows);
  for (auto& column : columns_) column.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    const uint32_t known = of_row_[row] = known_as(batch.keys()[begin + row], batch);
    for (size_t a = 0; a < columns_.size(); ++a) {
      columns_[a][row] = texts_[known_[known].first_text + a];
    }
  }
}

uint32_t DeviceJoin::known_as(uint32_t key_text, ReadingBatch& batch) {
  if (key_text >= known_of_text_.size()) known_of_text_.resize(key_text + 1, kNotYet);
  uint32_t& known = known_of_text_[key_text];
  if (known != kNotYet) return known;
  known = static_cast<uint32_t>(known_.size());
  const uint32_t device =
      devices_ ? devices_->find(batch.texts.text(key_text)) : Registry::kUnknown;
  known_.push_back({device, static_cast<uint32_t>(texts_.size())});
  for (const size_t place : attributes_) {
    const std::string_view text =
        place == kNowhere ? std::string_view() : devices_->attribute(device, place);
    texts_.push_back(text.empty() ? Interner::kNone : batch.texts.intern(text));
  }
  return known;
}

}  // namespace wayside
