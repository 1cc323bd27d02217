#include "sensors/senml_json_decoder.h"

#include <simdjson.h>

#include "sensors/json_parser.h"
#include "sensors/senml_pack.h"

namespace wayside {
namespace {

namespace od = simdjson::ondemand;

class SenmlJsonDecoder : public Decoder {
 public:
  SenmlJsonDecoder(const SourceOptions& source, size_t first_field) : pack_(source, first_field) {}

  bool decode(const Frame& message, const Now& arrival, Readings& out, Refusal& refusal) override {
    pack_.begin(arrival.wall_ms, out, refusal);
    refusal_ = &refusal;
    od::document document;
    od::array records;
    auto error = parser_.iterate(message.payload).get(document);
    if (!error) error = document.get_array().get(records);
    if (error) return bad(error);
    if (!take_records(records)) return false;
    const char* rest;
    if (document.current_location().get(rest)) return pack_.end();
    refusal = {"bad_senml", "bytes follow the array"};
    return false;
  }

 private:
  bool bad(simdjson::error_code error) {
    *refusal_ = {"bad_senml", simdjson::error_message(error)};
    return false;
  }

  bool take_records(od::array& records) {
    for (auto item : records) {
      od::value value;
      od::object record;
      pack_.begin_record();
      if (const auto error = std::move(item).get(value)) return bad(error);
      if (const auto error = value.get_object().get(record)) {
        return error == simdjson::INCORRECT_TYPE ? pack_.bad("is not an object") : bad(error);
      }
      if (!take_members(record) || !pack_.end_record()) return false;
    }
    return true;
  }

  bool take_members(od::object& record) {
    for (auto item : record) {
      od::field member;
      std::string_view name;
      if (const auto error = std::move(item).get(member)) return bad(error);
      if (const auto error = member.unescaped_key().get(name)) return bad(error);
      const SenmlLabel label = senml_label(name);
      if (label == SenmlLabel::kUnknown) {
        if (!pack_.pass_over(name)) return false;
        continue;
      }
      od::value value = member.value();
      if (!take_value(label, value)) return false;
    }
    return true;
  }

  bool take_value(SenmlLabel label, od::value& value) {
    od::json_type type;
    if (const auto error = value.type().get(type)) return bad(error);
    Scalar scalar;
    simdjson::error_code error = simdjson::SUCCESS;
    switch (type) {
      case od::json_type::string: {
        std::string_view text;
        if (!(error = value.get_string().get(text))) scalar = text;
        break;
      }
      case od::json_type::number:
        error = take_number(value, scalar);
        break;
      case od::json_type::boolean: {
        bool flag;
        if (!(error = value.get_bool().get(flag))) scalar = flag;
        break;
      }
      case od::json_type::null: {
        bool null = false;
        if (!(error = value.is_null().get(null)) && !null) error = simdjson::N_ATOM_ERROR;
        break;
      }
      default:
        return pack_.wrong_type(label);
    }
    return error ? bad(error) : pack_.add(label, scalar);
  }

  // A whole number as one, so that texts have all of its digits.
  static simdjson::error_code take_number(od::value& value, Scalar& scalar) {
    int64_t whole;
    if (!value.get_int64().get(whole)) {
      scalar = whole;
      return simdjson::SUCCESS;
    }
    uint64_t large;
    if (!value.get_uint64().get(large)) {
      scalar = large;
      return simdjson::SUCCESS;
    }
    double number;
    const auto error = value.get_double().get(number);
    if (!error) scalar = number;
    return error;
  }

  SenmlPack pack_;
  JsonParser parser_;
  Refusal* refusal_ = nullptr;  // of the message that is being read
};

}  // namespace

std::unique_ptr<Decoder> make_senml_json_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<SenmlJsonDecoder>(source, first_field);
}

}  // namespace wayside
