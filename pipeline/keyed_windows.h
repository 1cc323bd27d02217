// The windows of all keys of a block: which are open, what is in them, when they speak. Two kinds
// do this, see paned_windows.h and sliced_windows.h. Times are on the windows' own axis: event time
// in ms, or the number of the reading where windows are counted.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"

namespace wayside {

// One result of a window, for whoever tells it. Its pane is read at once.
struct WindowResult {
  uint32_t key = 0;
  int64_t start = 0;
  int64_t end = 0;
  uint32_t revision = 0;  // counts the results of a window
  bool final = false;     // the watermark has passed its end
  bool revised = false;   // it had, and was told, before this one
  uint32_t pane = 0;
};

// What became of a reading: taken; too late, all its windows are gone; or there is no window at its
// time, early or late.
enum class Take { kTaken, kLate, kNowhere };

class WindowListener {
 public:
  virtual ~WindowListener() = default;
  virtual void on_result(const WindowResult& result) = 0;
  // Windows of the key that begin at or after `from` and end by `to` say nothing more. Told of
  // windows with `retract` only; where all of a key ends at once its owner knows.
  virtual void on_gone(uint32_t key, int64_t from, int64_t to) = 0;
};

class KeyedWindows {
 public:
  virtual ~KeyedWindows() = default;

  // A reading of the key is coming; it is near.
  virtual void prefetch(uint32_t key) const = 0;
  virtual void prefetch_panes(uint32_t) const {}
  // Brings the reading in row `row` of the batch into its windows. Those that are complete already
  // speak at once.
  virtual Take take(uint32_t key, int64_t time, uint32_t row, int64_t watermark) = 0;
  // The watermark at which advance() has something to do; kTimeMax for never.
  virtual int64_t due(uint32_t key) const = 0;
  virtual void advance(uint32_t key, int64_t watermark) = 0;
  // The key is silent: what has changed since it was last told is told, and stays open. Of windows
  // that overlap only the one that ends next.
  virtual void tell(uint32_t key) = 0;
  // All that is open speaks for the last time, in order of its end, and is gone.
  virtual void close(uint32_t key) = 0;
  // All of the key is gone without a word.
  virtual void drop(uint32_t key) = 0;
  // As close(), for windows that begin behind `limit`.
  virtual void close_ahead(uint32_t key, int64_t limit) = 0;
  // The window that a late reading has missed. False: it lies between two of them.
  virtual bool missed(int64_t time, int64_t& start, int64_t& end) const = 0;

  // The watermark at which nothing of the key is open any more; kTimeMin: nothing is.
  virtual int64_t over_at(uint32_t key) const = 0;

  virtual bool empty(uint32_t key) const = 0;
  virtual size_t open() const = 0;  // panes of all keys
  virtual void save(uint32_t key, ByteWriter& out) const = 0;
  virtual void load(uint32_t key, ByteReader& in) = 0;
};

}  // namespace wayside
