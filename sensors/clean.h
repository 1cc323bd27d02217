// Cleaning, behind the journal: the journal keeps what came, the pipeline sees what is left of it.
// A number out of its range becomes nothing; a kept field that did not come is carried over from
// its key's past. One Cleaner a source, owned by the pipeline.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "sensors/options.h"
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

class Cleaner {
 public:
  Cleaner(const SourceOptions& options, const Schema& schema);

  // `keys[i]` is the key of row begin + i. `batch` changes only by texts that are interned.
  void clean(ReadingBatch& batch, size_t begin, size_t end, const uint32_t* keys, BatchView& view);

  uint64_t out_of_range() const { return out_of_range_; }

  bool save_key(uint32_t key, ByteWriter& out) const;  // false: nothing to save
  void load_key(uint32_t key, ByteReader& in);
  void forget_key(uint32_t key);
  void save_totals(ByteWriter& out) const { out.varint(out_of_range_); }
  void load_totals(ByteReader& in) { out_of_range_ = in.varint(); }

 private:
  struct Range {
    size_t column;
    double min;
    double max;
  };
  // The last two values of a field, so that a reading that comes late still finds the one of its
  // time.
  struct Kept {
    struct Version {
      int64_t since_ms = kTimeMin;
      double number = kNull;
      std::string text;
      bool set = false;
    };
    Version current;
    Version previous;
  };

  void apply_ranges(const ReadingBatch& batch, size_t begin, size_t end, BatchView& view);
  void carry(ReadingBatch& batch, size_t kept, const uint32_t* keys, BatchView& view);
  Kept& kept_of(uint32_t key, size_t kept);

  std::vector<Range> ranges_;
  std::vector<size_t> kept_columns_;
  std::vector<bool> is_text_;
  std::vector<std::vector<Kept>> kept_;  // by key, then by kept column
  std::vector<Column> scratch_;          // by column
  uint64_t out_of_range_ = 0;
};

}  // namespace wayside
