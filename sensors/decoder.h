// Decoders turn a payload into readings. A decoder belongs to one source and one thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/time.h"
#include "sensors/frame.h"
#include "sensors/options.h"
#include "sensors/readings.h"

namespace wayside {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Adds the readings of the message, which came at `arrival`, to `out`. Fields that it does not
  // name stay as they are there. False: `refusal` says why there is none; the readings in `out` are
  // of no use then.
  virtual bool decode(const Frame& message, const Now& arrival, Readings& out,
                      Refusal& refusal) = 0;
};

// `first_field`: where the declared fields begin in the schema, behind the topic's levels.
std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
