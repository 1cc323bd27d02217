// Where keys come from: a source, or a block that gives its readings keys of their own.
#pragma once

#include <cstdint>

namespace wayside {

class KeyOrigin {
 public:
  virtual ~KeyOrigin() = default;
  virtual bool knows(uint32_t key) const = 0;
  virtual int64_t newest_ms(uint32_t key) const = 0;  // of a key that it knows
  virtual int64_t heard_ms(uint32_t key) const = 0;   // timer clock; of a key that it knows
  virtual void forget_key(uint32_t key) = 0;
};

}  // namespace wayside
