// Texts of several dictionaries as ids of one: the rows of a stream have a single one.
#pragma once

#include <deque>
#include <vector>

#include "base/interner.h"
#include "sensors/clean.h"

namespace wayside {

class OneDictionary {
 public:
  // Begins anew: ids and columns of before mean nothing any more.
  void clear() {
    texts_.clear();
    for (Known& known : known_) {
      for (const uint32_t id : known.used) known.ids[id] = Interner::kNone;
      known.used.clear();
      known.from = nullptr;
    }
    columns_used_ = 0;
  }
  const Interner& texts() const { return texts_; }
  uint32_t add(std::string_view text) { return texts_.intern(text); }
  uint32_t translate(uint32_t id, const Interner& from) {
    if (id == Interner::kNone) return id;
    Known& known = known_of(from);
    if (id >= known.ids.size()) known.ids.resize(id + 1, Interner::kNone);
    uint32_t& own = known.ids[id];
    if (own == Interner::kNone) {
      own = texts_.intern(from.text(id));
      known.used.push_back(id);
    }
    return own;
  }
  // All texts of a view, so that columns with others can stand beside them.
  void take_over(BatchView& view, const std::vector<Field>& fields) {
    for (size_t c = 0; c < view.columns.size(); ++c) {
      if (fields[c].type != FieldType::kText) continue;
      view.columns[c].texts = translate(view.columns[c].texts, view.rows, *view.texts);
    }
    view.texts = &texts_;
  }
  // A column of ids, until clear().
  const uint32_t* translate(const uint32_t* ids, size_t rows, const Interner& from) {
    if (columns_used_ == columns_.size()) columns_.emplace_back();
    std::vector<uint32_t>& column = columns_[columns_used_++];
    column.resize(rows);
    for (size_t i = 0; i < rows; ++i) column[i] = translate(ids[i], from);
    return column.data();
  }

 private:
  // Of a foreign dictionary: its ids to ours.
  struct Known {
    const Interner* from = nullptr;
    std::vector<uint32_t> ids;
    std::vector<uint32_t> used;
  };
  Known& known_of(const Interner& from) {
    Known* free = nullptr;
    for (Known& known : known_) {
      if (known.from == &from) return known;
      if (!known.from) free = &known;
    }
    if (!free) free = &known_.emplace_back();
    free->from = &from;
    return *free;
  }

  Interner texts_;
  std::deque<Known> known_;
  std::deque<std::vector<uint32_t>> columns_;
  size_t columns_used_ = 0;
};

}  // namespace wayside
