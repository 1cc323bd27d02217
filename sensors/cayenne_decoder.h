// Cayenne LPP, the payloads of LoRaWAN sensors: values by channel and type.
//
// Paths are channel, channel.part, channel.type or channel.type.part: "3", "3.lat",
// "3.temperature", "3.gps.lat".
#pragma once

#include <memory>
#include <string>

#include "sensors/decoder.h"

namespace wayside {

// What is wrong with a path; else empty.
std::string wrong_cayenne_path(std::string_view path);

// The paths are good.
std::unique_ptr<Decoder> make_cayenne_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
