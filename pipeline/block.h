// A block: a window, a map, the rules over a stream. Takes rows of its inputs, and tells what it
// finds to the emissions and, where others read it, to a stream of its own. Owned by the pipeline.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "pipeline/stream.h"

namespace wayside {

struct BlockStatus {
  std::string name;
  std::string kind;
  uint64_t emitted = 0;
  size_t open = 0;      // windows, or what else is open; of rules and detectors: readings that wait
  uint64_t late = 0;    // readings that came too late for it
  uint64_t faults = 0;  // readings, or results, with an expression that was NULL for its error
  uint64_t dropped = 0;  // readings that it had no room for
  uint64_t evicted = 0;  // what a limit has pushed out before its time
  // Of blocks whose keys have a limit: how many there are, and were closed by it.
  size_t keys = 0;
  uint64_t evicted_keys = 0;
  size_t resident_keys = 0;  // of those in memory; the rest is in the store
};

class DerivedKeys;

// Brings back the state of keys that has left memory.
class KeyPager {
 public:
  virtual ~KeyPager() = default;
  virtual void need(uint32_t key) = 0;
};

class Block {
 public:
  virtual ~Block() = default;
  virtual const std::string& name() const = 0;
  // Without its faults.
  virtual BlockStatus status() const = 0;
  // Of readings since the block was made; those before it are kept by the pipeline.
  virtual uint64_t faults() const { return 0; }
  // Rows of one input in order of arrival.
  virtual void process(size_t input, const Rows& rows, EmissionBuffer& out) = 0;
  // What follows does nothing in a block that holds nothing.
  // An input has become idle, for a key or (kNone) as a whole.
  virtual void on_idle(uint32_t /*key*/, EmissionBuffer&) {}
  // No input knows the key any more; its last event time was `newest_ms`. What is open ends.
  virtual void forget_key(uint32_t /*key*/, int64_t /*newest_ms*/, EmissionBuffer&) {}
  // A limit pushes the key out: what is open of it ends in the same way, but its event time does
  // not begin anew, so that what was late stays so.
  virtual void evict_key(uint32_t key, EmissionBuffer& out) { forget_key(key, kTimeMin, out); }
  // How long what is open of the key goes on if nothing comes, where its event time would be
  // `time_ms` by now; 0: nothing is open, or ends with the key.
  virtual int64_t open_for(uint32_t /*key*/, int64_t /*time_ms*/) { return 0; }
  // Event time of an input was beyond `limit_ms`, ahead of the truth, and begins anew, for these
  // keys (not by key: for all). What is open there ends.
  virtual void begin_anew(const std::vector<uint32_t>& /*keys*/, int64_t /*limit_ms*/,
                          EmissionBuffer&) {}
  // The state of keys may leave memory, and come back by load_key() before anything happens to
  // them. What happens by itself stays, and asks the pager, which is then set, for the key.
  virtual bool can_unload() const { return false; }
  virtual void unload_key(uint32_t) {}
  virtual void set_pager(KeyPager*) {}
  virtual bool is_loaded(uint32_t) const { return true; }
  virtual size_t bytes_away(uint32_t) const { return 0; }  // of a key that is not: as it was saved
  // Its state is of keys, each of which forget_key() may end at any time.
  virtual bool is_by_key() const { return false; }
  // It has more to say than fits into a turn, and goes on in the next one.
  virtual bool is_behind() const { return false; }
  virtual void go_on(EmissionBuffer&) {}
  // The end of recorded input: every watermark is at the end of time.
  virtual void finish(EmissionBuffer&) {}

  virtual std::vector<Stream*> outputs() { return {}; }  // for other blocks to read
  // Its rows have keys of its own: blocks behind it hear of those, not of those that it reads.
  virtual DerivedKeys* derived_keys() { return nullptr; }
  // Its rows run by one event time, though those that it reads have one by key: blocks behind it
  // hear of silence when all is silent.
  virtual const EventTime* merged_time() const { return nullptr; }

  // Saved state means something else where this number is another.
  virtual uint64_t fingerprint() const = 0;
  virtual bool keeps_keys() const { return true; }  // false: save_key() never says anything
  virtual bool save_key(uint32_t /*key*/, ByteWriter&) const {
    return false;
  }  // false: there is none
  virtual void load_key(uint32_t /*key*/, ByteReader&) {}
  virtual void save_totals(ByteWriter& out) const = 0;
  virtual void load_totals(ByteReader& in) = 0;
};

}  // namespace wayside
