#include "sensors/struct_decoder.h"

#include <limits>
#include <optional>
#include <utility>

#include "sensors/scalar.h"
#include "sensors/struct_path.h"

namespace wayside {
namespace {

constexpr const char* kBad = "bad_struct";

class StructDecoder : public Decoder {
 public:
  StructDecoder(const SourceOptions& source, size_t first_field)
      : writer_(source, first_field), record_bytes_(source.record_bytes) {
    for (const FieldOptions& f : source.fields) paths_.push_back(*StructPath::parse(f.path));
    if (!source.time_path.empty()) time_ = *StructPath::parse(source.time_path);
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    std::string_view left = message.payload;
    if (left.empty()) {
      refusal = {kBad, "the payload is empty"};
      return false;
    }
    if (record_bytes_ == 0) return take_record(left, out.add(), out, refusal);
    if (left.size() % record_bytes_ != 0) {
      refusal = {kBad, std::to_string(left.size()) + " bytes are no whole records of " +
                           std::to_string(record_bytes_)};
      return false;
    }
    if (left.size() / record_bytes_ > out.max()) return too_many_readings(out, refusal);
    for (; !left.empty(); left.remove_prefix(record_bytes_)) {
      if (take_record(left.substr(0, record_bytes_), out.add(), out, refusal)) continue;
      out.refuse(std::exchange(refusal, {}));
    }
    return true;
  }

 private:
  bool take_record(std::string_view record, Row& row, Readings& out, Refusal& refusal) {
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (!take_field(i, record, row, out, refusal)) return false;
    }
    return !time_ || take_time(record, row, refusal);
  }

  bool take_field(size_t i, std::string_view record, Row& row, Readings& out, Refusal& refusal) {
    const FieldOptions& field = writer_.fields()[i];
    const StructPath& path = paths_[i];
    if (record.size() < path.end()) {
      return field.absent.has_value() ||
             is_beyond("field '" + field.name + "'", path, record, refusal);
    }
    const char* fault;
    Scalar value = path.read(record, digits_, fault);
    if (fault) {
      refusal = {kBad, "field '" + field.name + "' " + fault};
      return false;
    }
    // What the payload does not hold itself lives on in `out`.
    if (path.kind() == StructPath::Kind::kHex && std::holds_alternative<std::string_view>(value)) {
      value = out.keep(digits_);
    }
    return store(writer_, i, value, row, out, refusal);
  }

  bool take_time(std::string_view record, Row& row, Refusal& refusal) {
    if (record.size() < time_->end()) return is_beyond("the time", *time_, record, refusal);
    const char* fault;
    const Scalar value = time_->read(record, digits_, fault);
    if (fault) {
      refusal = {"bad_time", std::string("the time ") + fault};
      return false;
    }
    if (std::holds_alternative<std::monostate>(value)) return true;
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      return writer_.time(*text, row, refusal);
    }
    if (const auto* real = std::get_if<double>(&value)) return writer_.time(*real, row, refusal);
    if (const auto* whole = std::get_if<int64_t>(&value)) return writer_.time(*whole, row, refusal);
    const auto* whole = std::get_if<uint64_t>(&value);
    if (!whole || *whole > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return writer_.wrong_time(refusal);
    }
    return writer_.time(static_cast<int64_t>(*whole), row, refusal);
  }

  static bool is_beyond(const std::string& what, const StructPath& path, std::string_view record,
                        Refusal& refusal) {
    refusal = {kBad, what + " ends at byte " + std::to_string(path.end()) + " of " +
                         std::to_string(record.size())};
    return false;
  }

  RowWriter writer_;
  size_t record_bytes_;
  std::vector<StructPath> paths_;  // by field
  std::optional<StructPath> time_;
  std::string digits_;  // of the value at hand
};

}  // namespace

std::unique_ptr<Decoder> make_struct_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<StructDecoder>(source, first_field);
}

}  // namespace wayside
