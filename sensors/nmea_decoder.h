// NMEA 0183 of GPS receivers: the sentences of a moment are a reading.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

// Paths are those of kNmeaValues.
std::unique_ptr<Decoder> make_nmea_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
