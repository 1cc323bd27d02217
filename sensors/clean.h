// Cleaning, behind the journal: the journal keeps what came, the pipeline sees what is left of it.
// In this order: a number is calibrated as its device is, which is no change that is told; out of
// its range it becomes nothing, then a position that cannot be (others are smoothed), then a number
// is judged by its key's past; what did not come, or is not left, is carried over from that past,
// for as long as it is kept or filled. What the registry knows of the device, and what was changed,
// stands in fields of the reading. One Cleaner a source, owned by the pipeline.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sensors/clean_number.h"
#include "sensors/clean_position.h"
#include "sensors/device_join.h"
#include "sensors/options.h"
#include "sensors/position_filter.h"
#include "sensors/reading.h"

namespace wayside {

struct ColumnView {
  const double* numbers = nullptr;
  const uint32_t* texts = nullptr;
  // Of a column with both: whole numbers are integers to SQL. A text beside a number has all digits
  // of one that it cannot hold.
  bool whole = false;
};

// Some rows of a batch, cleaned. Views into the batch and into the cleaner, until its next clean().
struct BatchView {
  size_t rows = 0;
  const int64_t* times = nullptr;
  const uint32_t* keys = nullptr;  // dense ids over all sources
  std::vector<ColumnView> columns;
  const Interner* texts = nullptr;
};

// Whether what was changed stands in a field.
bool has_mark(const SourceOptions& options);
// The columns of a source behind cleaning: those of its batches, the attributes of the device,
// which are NULL where they are not known, and what was changed, as a text such as
// " lat:too_fast lon:too_fast ", in which nothing is NULL.
Schema cleaned_schema(const SourceOptions& options, Schema schema);

class Cleaner {
 public:
  Cleaner(const SourceOptions& options, const Schema& schema);

  // `keys[i]` is the key of row begin + i. `batch` changes only by texts that are interned.
  void clean(ReadingBatch& batch, size_t begin, size_t end, const uint32_t* keys, BatchView& view);

  // What the last clean() changed or doubts; by row, if a field or Quality tells of it. `keep` is
  // no change.
  struct Change {
    uint32_t row;
    uint32_t column;
    Reason reason;
  };
  const std::vector<Change>& changes() const { return changes_; }
  // How it has calibrated a row's number; null: not at all.
  const Calibration* calibration(size_t row, size_t column) const;
  uint64_t out_of_range() const { return out_of_range_; }
  bool counts() const { return counts_changes_; }  // whether there is anything but `keep`
  size_t columns() const { return fields_.size(); }
  uint64_t changed(size_t column, Reason reason) const {
    return changed_[column][static_cast<size_t>(reason)];
  }

  // What is kept and filled.
  bool save_key(uint32_t key, ByteWriter& out) const;  // false: nothing to save
  void load_key(uint32_t key, ByteReader& in);
  void save_totals(ByteWriter& out) const { out.varint(out_of_range_); }
  void load_totals(ByteReader& in) { out_of_range_ = in.varint(); }
  // Another number: what was saved of that means something else. 0: nothing is kept.
  uint64_t kept_fingerprint() const { return kept_fingerprint_; }

  // The past by which numbers and the position are judged, and the counts of changes.
  bool has_past() const { return !numbers_.empty() || position_; }
  bool save_past(uint32_t key, ByteWriter& out) const;  // false: nothing to save
  void load_past(uint32_t key, ByteReader& in);
  void save_counts(ByteWriter& out) const;
  void load_counts(ByteReader& in);
  uint64_t past_fingerprint() const { return past_fingerprint_; }

  void forget_key(uint32_t key);

 private:
  struct Range {
    size_t column;
    double min;
    double max;
  };
  struct KeptColumn {
    size_t column;
    int64_t fill_ms;  // kTimeMax: for ever
  };
  // The last two values of a field, so that a reading that comes late still finds the one of its
  // time.
  struct Kept {
    struct Version {
      int64_t since_ms = kTimeMin;
      int64_t until_ms = kTimeMin;  // that it came last; of what is filled only
      double number = kNull;
      std::string text;
      bool set = false;
    };
    Version current;
    Version previous;
  };
  // Columns of the position; beyond the schema: there is no such field.
  struct PositionColumns {
    size_t lat, lon, fix, hdop, speed;
  };
  struct Past {
    std::vector<NumberPast> numbers;  // by what judges them
    PositionPast position;
    PositionTrack track;
  };

  void list_judged(const SourceOptions& options, const Schema& schema);
  void list_kept(const SourceOptions& options, const Schema& schema);
  double* scratch(const ReadingBatch& batch, size_t begin, size_t column, BatchView& view);
  void calibrate(const ReadingBatch& batch, size_t begin, BatchView& view);
  void apply_ranges(const ReadingBatch& batch, size_t begin, BatchView& view);
  void judge_positions(const ReadingBatch& batch, size_t begin, BatchView& view);
  void smooth_position(size_t row, double hdop, double* lat, double* lon, BatchView& view);
  void judge_numbers(const ReadingBatch& batch, size_t begin, size_t number, BatchView& view);
  void carry(ReadingBatch& batch, size_t kept, const uint32_t* keys, BatchView& view);
  void mark(ReadingBatch& batch, BatchView& view);
  void change(size_t row, size_t column, Reason reason) {
    changes_.push_back({static_cast<uint32_t>(row), static_cast<uint32_t>(column), reason});
    ++changed_[column][static_cast<size_t>(reason)];
  }
  Kept& kept_of(uint32_t key, size_t kept);
  Past& past_of(uint32_t key);

  DeviceJoin devices_;
  std::vector<Range> ranges_;
  std::vector<NumberCleaner> numbers_;
  std::optional<PositionCleaner> position_;
  std::optional<PositionFilter> filter_;
  PositionColumns at_{};
  std::vector<KeptColumn> kept_columns_;
  uint64_t kept_fingerprint_ = 0;
  uint64_t past_fingerprint_ = 0;
  std::vector<Field> fields_;
  bool counts_changes_;
  bool marks_changes_;
  bool orders_changes_;  // for the marks, or for who counts by reading

  std::vector<std::vector<Kept>> kept_;       // by key, then by kept column
  std::vector<std::unique_ptr<Past>> pasts_;  // by key; most ids may be those of other sources
  std::vector<Column> scratch_;               // by column
  std::vector<uint32_t> marks_;               // by row
  std::vector<Change> changes_;
  uint64_t out_of_range_ = 0;
  std::vector<std::array<uint64_t, kReasons>> changed_;  // by column
};

}  // namespace wayside
