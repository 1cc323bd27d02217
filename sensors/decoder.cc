#include "sensors/decoder.h"

#include "sensors/json_decoder.h"
#include "sensors/protobuf_decoder.h"
#include "sensors/sparkplug_decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field) {
  switch (source.format) {
    case PayloadFormat::kProtobuf:
      return make_protobuf_decoder(source, first_field);
    case PayloadFormat::kSparkplug:
      return make_sparkplug_decoder(source, first_field);
    default:
      return make_json_decoder(source, first_field);
  }
}

}  // namespace wayside
