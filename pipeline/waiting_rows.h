// Rows that wait for their turn, by key, in order of event time and, where that is the same, of
// arrival. It knows the first one of each key and, if it is asked to, of all.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "pipeline/stream.h"

namespace wayside {

class WaitingRows {
 public:
  struct Place {
    int64_t time_ms;
    uint64_t number;  // of arrival
    auto operator<=>(const Place&) const = default;
  };
  struct Row {
    uint32_t key;
    int64_t time_ms;
    std::string bytes;  // of pack()
  };
  explicit WaitingRows(bool over_all_keys) : over_all_keys_(over_all_keys) {}

  // A row's columns as bytes, and back to the end of a batch.
  static std::string pack(const Schema& schema, const BatchView& view, size_t row);
  static void unpack(const Schema& schema, std::string_view bytes, ReadingBatch& batch);
  static bool is_packed(const Schema& schema, std::string_view bytes);

  void add(uint32_t key, int64_t time_ms, std::string bytes);
  bool empty(uint32_t key) const { return key >= keys_.size() || keys_[key].empty(); }
  size_t size() const { return size_; }
  size_t size(uint32_t key) const { return key < keys_.size() ? keys_[key].size() : 0; }
  // kTimeMax for none.
  int64_t first_time(uint32_t key) const;
  int64_t last_time(uint32_t key) const;
  int64_t first_time() const;  // over all keys
  Row take_first(uint32_t key);
  Row take_first();
  std::vector<uint32_t> keys() const;  // that have rows

  void save_key(uint32_t key, ByteWriter& out) const;
  // Of rows with these columns; others fail.
  void load_key(uint32_t key, const Schema& schema, ByteReader& in);
  void save_totals(ByteWriter& out) const { out.varint(arrived_); }
  void load_totals(ByteReader& in) { arrived_ = in.varint(); }

 private:
  using Rows = std::map<Place, std::string>;
  void mark(uint32_t key);    // puts the key's first row among those of all,
  void unmark(uint32_t key);  // or takes it out, before it changes

  bool over_all_keys_;
  std::vector<Rows> keys_;
  std::set<std::pair<Place, uint32_t>> firsts_;
  size_t size_ = 0;
  uint64_t arrived_ = 0;
};

}  // namespace wayside
