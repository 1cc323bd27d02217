#include "sensors/cbor_decoder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "sensors/cbor_json.h"
#include "sensors/cbor_reader.h"
#include "sensors/path_tree.h"
#include "sensors/row_writer.h"
#include "sensors/scalar.h"

namespace wayside {
namespace {

using Type = CborItem::Type;

constexpr uint64_t kTimeTextTag = 0;
constexpr uint64_t kTimeSecondsTag = 1;

SourceOptions with_unit(SourceOptions source, TimeUnit unit) {
  source.time = {unit, {}, {}};
  return source;
}

class CborDecoder : public Decoder {
 public:
  CborDecoder(const SourceOptions& source, size_t first_field)
      : writer_(source, first_field),
        text_times_(with_unit(source, TimeUnit::kRfc3339), first_field),
        second_times_(with_unit(source, TimeUnit::kSeconds), first_field),
        tree_(source, first_field) {}

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    out_ = &out;
    refusal_ = &refusal;
    reader_ = CborReader(message.payload);
    json_room_ = kCborJsonMax;
    CborItem item;
    if (!reader_.next(item)) return bad();
    if (!(tree_.has_each ? take_readings(item) : take_members(item, tree_.root, out.add()))) {
      return false;
    }
    if (reader_.is_at_end()) return true;
    refusal = {"bad_cbor", "bytes follow the value"};
    return false;
  }

 private:
  // It is no CBOR from there on.
  bool bad() {
    *refusal_ = {"bad_cbor", reader_.fault()};
    return false;
  }

  bool wrong(const PathNode& node, const char* expected) {
    *refusal_ = {"wrong_type", node.path.empty() ? std::string("is not ") + expected
                                                 : "'" + node.path + "' is not " + expected};
    return false;
  }

  // ---- readings

  // What stands beside the array may follow it: it joins the readings at the end.
  bool take_readings(const CborItem& item) {
    if (tree_.is_each_payload) return take_elements(item, tree_.root);
    beside_ = out_->empty();
    has_met_each_ = false;
    if (!take_members(item, tree_.root, beside_)) return false;
    if (!has_met_each_) {
      *refusal_ = {"wrong_type", "the array of readings is missing"};
      return false;
    }
    tree_.complete(beside_, *out_);
    return true;
  }

  // An element with a value of a wrong type is refused alone; what is no CBOR refuses them all.
  bool take_elements(CborItem array, const PathNode& node) {
    if (array.type != Type::kArray) return wrong(node, "an array");
    has_met_each_ = true;
    if (!reader_.enter()) return bad();
    CborItem element;
    while (reader_.next_of(array, element)) {
      if (out_->is_full()) return too_many_readings(*out_, *refusal_);
      const CborReader start = reader_;
      if (take_members(element, tree_.element, out_->add())) continue;
      if (reader_.fault()) return false;
      out_->refuse(std::exchange(*refusal_, {}));
      reader_ = start;
      if (!reader_.skip(element)) return bad();
    }
    reader_.leave();
    return !reader_.fault() || bad();
  }

  bool take_members(CborItem item, const PathNode& node, Row& row) {
    if (!item.is_container()) return wrong(node, "a map or an array");
    if (!reader_.enter()) return bad();
    const bool good =
        item.type == Type::kMap ? walk_map(item, node, row) : walk_array(item, node, row);
    if (!good) return false;
    reader_.leave();
    return !reader_.fault() || bad();
  }

  bool walk_map(CborItem& map, const PathNode& node, Row& row) {
    CborItem key;
    while (reader_.next_of(map, key)) {
      const PathNode* member = nullptr;
      CborItem value;
      if (!find(key, node, member) || !reader_.next(value)) return bad();
      if (!take_or_skip(value, member, row)) return false;
    }
    return true;
  }

  bool walk_array(CborItem& array, const PathNode& node, Row& row) {
    CborItem value;
    for (int64_t number = 0; reader_.next_of(array, value); ++number) {
      if (!take_or_skip(value, node.find(number), row)) return false;
    }
    return true;
  }

  bool find(const CborItem& key, const PathNode& node, const PathNode*& member) {
    if (key.type == Type::kText) {
      std::string_view name;
      if (!reader_.take_bytes(key, joined_, name)) return false;
      member = node.find(name);
      return true;
    }
    const bool is_small = key.size <= INT64_MAX;
    if (key.type == Type::kUnsigned && is_small) member = node.find(int64_t(key.size));
    if (key.type == Type::kNegative && is_small) member = node.find(-1 - int64_t(key.size));
    return reader_.skip(key);
  }

  bool take_or_skip(const CborItem& value, const PathNode* member, Row& row) {
    if (!member) return reader_.skip(value) || bad();
    if (member->target >= 0) return take_field(value, static_cast<size_t>(member->target), row);
    if (member->target == PathNode::kTime) return take_time(value, row);
    if (value.type == Type::kNull) return true;
    if (member->target == PathNode::kEach) return take_elements(value, *member);
    return take_members(value, *member, row);
  }

  // ---- values

  bool take_field(const CborItem& item, size_t field, Row& row) {
    const FieldOptions& f = writer_.fields()[field];
    if (f.json && item.is_container() && !item.is_fraction()) return take_json(item, field, row);
    if (item.type == Type::kBytes && f.type == FieldType::kText) {
      std::string_view bytes;
      if (!reader_.take_bytes(item, joined_, bytes)) return bad();
      return writer_.text(field, out_->keep(hex_of(bytes)), row, *refusal_);
    }
    Scalar value;
    if (reader_.take_scalar(item, *out_, value)) {
      return store(writer_, field, value, row, *out_, *refusal_);
    }
    return reader_.fault() ? bad() : writer_.wrong_type(field, *refusal_);
  }

  bool take_json(const CborItem& item, size_t field, Row& row) {
    CborJson json(reader_, *out_, json_room_);
    if (!json.append(item)) {
      if (reader_.fault()) return bad();
      *refusal_ = {"wrong_type", "field '" + writer_.fields()[field].name + "' " + json.why()};
      return false;
    }
    json_room_ -= std::min(json_room_, json.text().size());
    row.texts[writer_.place(field)] = out_->keep(json.text());
    return true;
  }

  // A tag says more than the declared unit.
  bool take_time(const CborItem& item, Row& row) {
    Scalar value;
    if (!reader_.take_scalar(item, *out_, value)) {
      return reader_.fault() ? bad() : writer_.wrong_time(*refusal_);
    }
    const RowWriter& times = item.tag == kTimeTextTag      ? text_times_
                             : item.tag == kTimeSecondsTag ? second_times_
                                                           : writer_;
    return store_time(times, value, row, *refusal_);
  }

  RowWriter writer_;
  RowWriter text_times_;
  RowWriter second_times_;
  PathTree tree_;
  std::string joined_;  // of a key in pieces
  // Of the message that is being read.
  CborReader reader_;
  Readings* out_ = nullptr;
  Refusal* refusal_ = nullptr;
  Row beside_;
  size_t json_room_ = 0;  // for fields of type = "json"
  bool has_met_each_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_cbor_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<CborDecoder>(source, first_field);
}

}  // namespace wayside
