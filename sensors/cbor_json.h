// An array or a map of CBOR as JSON text, for fields of type = "json".
#pragma once

#include <string>

#include "sensors/cbor_reader.h"

namespace wayside {

// The rest of `item`. False without a fault: a map has a key that is neither a text nor a whole
// number. Bytes become hex digits; what JSON does not know becomes null.
bool append_json(CborReader& reader, const CborItem& item, std::string& json);

}  // namespace wayside
