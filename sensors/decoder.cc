#include "sensors/decoder.h"

#include "sensors/json_decoder.h"
#include "sensors/protobuf_decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field) {
  return source.format == PayloadFormat::kProtobuf ? make_protobuf_decoder(source, first_field)
                                                   : make_json_decoder(source, first_field);
}

}  // namespace wayside
