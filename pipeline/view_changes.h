// What a group of turns changes in the read models: of each row the last change.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/value.h"

namespace wayside {

struct ViewColumn {
  std::string name;
  FieldType type = FieldType::kNumber;
};

// What a read model looks like.
struct ViewShape {
  std::string name;
  std::vector<ViewColumn> columns;  // those that name a row first
  size_t keys = 1;                  // how many name it
  uint32_t max_rows = 0;
  uint64_t meaning = 0;  // another number: its rows mean something else
};

struct ViewChange {
  int64_t time_ms = 0;  // event time
  bool removed = false;
  std::vector<Value> values;  // by column; those that name the row are not NULL
};

class ViewChanges {
 public:
  // The one of this row, for the caller to fill; `row` says the values that name it, in any form.
  ViewChange& change(size_t view, const std::string& row) {
    if (view >= views_.size()) views_.resize(view + 1);
    View& v = views_[view];
    const auto [place, added] = v.places.try_emplace(row, v.used);
    if (added && v.used++ == v.changes.size()) v.changes.emplace_back();
    return v.changes[place->second];
  }

  size_t views() const { return views_.size(); }
  std::span<const ViewChange> of(size_t view) const {
    return {views_[view].changes.data(), views_[view].used};
  }
  bool empty() const {
    for (const View& v : views_) {
      if (v.used > 0) return false;
    }
    return true;
  }
  void clear() {
    for (View& v : views_) {
      v.places.clear();
      v.used = 0;
      if (v.changes.size() > kKept) v.changes.resize(kKept);
    }
  }

 private:
  static constexpr size_t kKept = 4'096;  // of a burst no more memory stays
  struct View {
    std::unordered_map<std::string, size_t> places;
    std::vector<ViewChange> changes;  // the first `used` count, the others are filled anew
    size_t used = 0;
  };
  std::vector<View> views_;
};

}  // namespace wayside
