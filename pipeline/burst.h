// Rows that wait to be told: their memory is used again, but what a burst took is given back.
#pragma once

#include <vector>

#include "sensors/reading.h"

namespace wayside {

constexpr size_t kKeptRows = 16'384;

template <class T>
void clear_burst(std::vector<T>& rows) {
  rows.clear();
  if (rows.capacity() > kKeptRows) rows.shrink_to_fit();
}

inline void clear_burst(ReadingBatch& batch) {
  clear_burst(batch.times);
  for (Column& c : batch.columns) {
    clear_burst(c.numbers);
    clear_burst(c.texts);
  }
  batch.clear_texts();
}

}  // namespace wayside
