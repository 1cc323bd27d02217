#include "sensors/decoder.h"

#include "sensors/cayenne_decoder.h"
#include "sensors/cbor_decoder.h"
#include "sensors/csv_decoder.h"
#include "sensors/json_decoder.h"
#include "sensors/nmea_decoder.h"
#include "sensors/protobuf_decoder.h"
#include "sensors/protobuf_numbers_decoder.h"
#include "sensors/senml_cbor_decoder.h"
#include "sensors/senml_json_decoder.h"
#include "sensors/sparkplug_decoder.h"
#include "sensors/struct_decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field) {
  switch (source.format) {
    case PayloadFormat::kProtobuf:
      return make_protobuf_decoder(source, first_field);
    case PayloadFormat::kProtobufNumbers:
      return make_protobuf_numbers_decoder(source, first_field);
    case PayloadFormat::kCbor:
      return make_cbor_decoder(source, first_field);
    case PayloadFormat::kSenmlJson:
      return make_senml_json_decoder(source, first_field);
    case PayloadFormat::kSenmlCbor:
      return make_senml_cbor_decoder(source, first_field);
    case PayloadFormat::kSparkplug:
      return make_sparkplug_decoder(source, first_field);
    case PayloadFormat::kCayenne:
      return make_cayenne_decoder(source, first_field);
    case PayloadFormat::kNmea:
      return make_nmea_decoder(source, first_field);
    case PayloadFormat::kCsv:
      return make_csv_decoder(source, first_field);
    case PayloadFormat::kStruct:
      return make_struct_decoder(source, first_field);
    default:
      return make_json_decoder(source, first_field);
  }
}

}  // namespace wayside
