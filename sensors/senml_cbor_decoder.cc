#include "sensors/senml_cbor_decoder.h"

#include <algorithm>
#include <string>

#include "sensors/cbor_reader.h"
#include "sensors/frame.h"
#include "sensors/senml_pack.h"

namespace wayside {
namespace {

using Type = CborItem::Type;

// With the URL's alphabet and without padding, as SenML in JSON has it.
std::string base64url(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t waiting = 0;
  int bits = 0;
  for (const char c : bytes) {
    waiting = waiting << 8 | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6;) {
      bits -= 6;
      out += kDigits[waiting >> bits & 63];
    }
  }
  if (bits > 0) out += kDigits[waiting << (6 - bits) & 63];
  return out;
}

class SenmlCborDecoder : public Decoder {
 public:
  SenmlCborDecoder(const SourceOptions& source, size_t first_field) : pack_(source, first_field) {}

  bool decode(const Frame& message, const Now& arrival, Readings& out, Refusal& refusal) override {
    pack_.begin(arrival.wall_ms, out, refusal);
    out_ = &out;
    reader_ = CborReader(message.payload);
    CborItem records;
    if (!reader_.next(records)) return bad(refusal);
    if (records.type != Type::kArray) {
      refusal = {"bad_senml", "is not an array"};
      return false;
    }
    CborItem record;
    while (reader_.next_of(records, record)) {
      pack_.begin_record();
      if (record.type != Type::kMap) return pack_.bad("is not a map");
      if (!take_members(record) || !pack_.end_record()) {
        return reader_.fault() ? bad(refusal) : false;
      }
    }
    if (reader_.fault()) return bad(refusal);
    if (reader_.is_at_end()) return pack_.end();
    refusal = {"bad_senml", "bytes follow the array"};
    return false;
  }

 private:
  bool bad(Refusal& refusal) const {
    refusal = {"bad_senml", reader_.fault()};
    return false;
  }

  bool take_members(CborItem& record) {
    CborItem key, value;
    while (reader_.next_of(record, key)) {
      SenmlLabel label = SenmlLabel::kUnknown;
      if (!take_label(key, label) || !reader_.next(value)) return false;
      if (label == SenmlLabel::kUnknown ? !reader_.skip(value) : !take_value(label, value)) {
        return false;
      }
    }
    return !reader_.fault();
  }

  // Some senders have the labels of JSON.
  bool take_label(const CborItem& key, SenmlLabel& label) {
    if (key.type == Type::kText) {
      std::string_view name;
      if (!reader_.take_bytes(key, joined_, name)) return false;
      label = senml_label(name);
      return label != SenmlLabel::kUnknown || pack_.pass_over(name);
    }
    const auto number = static_cast<int64_t>(std::min<uint64_t>(key.size, INT64_MAX));
    if (key.type == Type::kUnsigned) label = senml_label(number);
    if (key.type == Type::kNegative) label = senml_label(-1 - number);
    return reader_.skip(key);
  }

  bool take_value(SenmlLabel label, const CborItem& item) {
    Scalar value;
    if (label == SenmlLabel::kData && item.type == Type::kBytes) {
      std::string_view bytes;
      if (!reader_.take_bytes(item, joined_, bytes)) return false;
      return pack_.add(label, out_->keep(base64url(bytes)));
    }
    if (reader_.take_scalar(item, *out_, value)) return pack_.add(label, value);
    return !reader_.fault() && pack_.wrong_type(label);
  }

  SenmlPack pack_;
  std::string joined_;
  // Of the message that is being read.
  CborReader reader_;
  Readings* out_ = nullptr;
};

}  // namespace

std::unique_ptr<Decoder> make_senml_cbor_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<SenmlCborDecoder>(source, first_field);
}

}  // namespace wayside
