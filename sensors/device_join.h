// What the registry says of readings: their devices' attributes and calibrations. A key is looked
// up once for each generation of a batch. Of one source; a part of its Cleaner.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/features.h"
#include "sensors/options.h"
#include "sensors/reading.h"
#include "sensors/registry.h"

namespace wayside {

class DeviceJoin {
 public:
  DeviceJoin(const SourceOptions& options, const Schema& schema);

  // Whether it has anything to say of this source. Without devices in the build this and the
  // numbers below are constants, so that what depends on them is left out.
  bool is_on() const { return kHasDevices && (!attributes_.empty() || !calibrated_.empty()); }
  // What calibrates a field, of all devices; 0: nothing does.
  uint64_t meaning(size_t column) const;
  // Looks at rows of a batch, each of which has a key; it changes only by texts that are interned.
  void look_at(ReadingBatch& batch, size_t begin, size_t rows);

  // Of those rows. A field is one that some device calibrates.
  size_t fields() const { return kHasDevices ? calibrated_.size() : 0; }
  size_t column(size_t field) const { return calibrated_[field].column; }
  const Calibration* calibration(size_t field, size_t row) const {  // null: none
    return devices_->calibration(known_[of_row_[row]].device, calibrated_[field].place);
  }
  // Ids of their texts in the batch.
  size_t attributes() const { return kHasDevices ? attributes_.size() : 0; }
  const uint32_t* attribute(size_t attribute) const { return columns_[attribute].data(); }

 private:
  static constexpr size_t kNowhere = SIZE_MAX;
  struct Calibrated {
    size_t column;
    size_t place;  // in the registry
  };
  // A key of the batch.
  struct Known {
    uint32_t device;
    uint32_t first_text;  // of its attributes, in texts_
  };

  uint32_t known_as(uint32_t key_text, ReadingBatch& batch);

  std::shared_ptr<const Registry> devices_;  // null: nothing is known of any
  std::vector<Calibrated> calibrated_;
  std::vector<size_t> attributes_;  // their places in the registry

  uint64_t generation_ = 0;
  std::vector<uint32_t> known_of_text_;  // by the text of the key
  std::vector<Known> known_;
  std::vector<uint32_t> texts_;
  // Of the rows that were looked at last.
  std::vector<uint32_t> of_row_;
  std::vector<std::vector<uint32_t>> columns_;  // by attribute, then by row
};

}  // namespace wayside
