// Sparkplug B: metrics by their names, which births give aliases. It keeps what births say, in
// memory: after a start of the gateway edge nodes are asked to be born anew.
#pragma once

#include <memory>
#include <string>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_sparkplug_decoder(const SourceOptions& source, size_t first_field);

// What is wrong with a field, or with the topic, of such a source; "" for nothing.
std::string wrong_sparkplug_field(const FieldOptions& field);
std::string wrong_sparkplug_topic(const std::string& topic);

}  // namespace wayside
