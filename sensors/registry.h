// The devices that a gateway knows of, by the key of their readings: whether they are blocked, how
// their numbers are calibrated, and what else is known of them. Part of the configuration: it is
// filled when that is read, and never changes while it is in use.
#pragma once

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/interner.h"
#include "sensors/reading.h"

namespace wayside {

// Of a number, in the unit that is held.
struct Calibration {
  double scale = 1;
  double offset = 0;

  // What no double can hold becomes nothing.
  double apply(double number) const {
    const double made = number * scale + offset;
    return std::isfinite(made) ? made : kNull;
  }
};

// A device as it is configured.
struct DeviceOptions {
  std::string id;
  bool blocked = false;
  std::vector<std::pair<std::string, Calibration>> calibrate;   // by field
  std::vector<std::pair<std::string, std::string>> attributes;  // an empty text: not known
};

class Registry {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  // False: its id is there already. Of attributes that are not `wanted` only the names are kept.
  bool add(const DeviceOptions& device, const std::set<std::string>& wanted);
  // One that devices may have, though none does.
  void add_attribute(const std::string& name);

  size_t size() const { return ids_.size(); }
  std::string_view id(uint32_t device) const { return ids_.text(device); }
  // Devices are numbered from 0 in the order in which they were added.
  uint32_t find(std::string_view id) const { return ids_.find(id); }
  bool is_blocked(uint32_t device) const { return device < blocked_.size() && blocked_[device]; }
  bool blocks() const { return !blocked_.empty(); }  // some device at all

  // Those that devices have; both are numbered as in these lists.
  std::vector<std::string> attributes() const;
  std::vector<std::string> calibrated_fields() const;
  // Without data: it has none.
  std::string_view attribute(uint32_t device, size_t attribute) const;
  // Null: it has none.
  const Calibration* calibration(uint32_t device, size_t field) const;

  // All of it in lines, the same in whichever order it was filled.
  void append_meaning(std::string& out) const;

 private:
  // Columns end with the last device that has something in them.
  struct Attribute {
    std::string name;
    std::vector<uint32_t> texts;
  };
  struct Calibrated {
    std::string field;
    std::vector<Calibration> of;  // scale 0: none
  };

  Interner ids_;
  std::vector<bool> blocked_;
  std::vector<Attribute> attributes_;
  std::vector<Calibrated> calibrated_;
  Interner texts_;  // of attributes: many devices share one
};

}  // namespace wayside
