#include "pipeline/join_side.h"

namespace wayside {

bool JoinSide::compile(ExpressionEngine& engine, const Schema& schema,
                       const std::vector<ColumnExpressions::Item>& items, BlockError& error) {
  for (const auto& item : items) is_text_.push_back(item.type == FieldType::kText);
  return expressions_.compile(engine, schema, items, error);
}

std::string JoinSide::pack(size_t row) const {
  std::string bytes;
  ByteWriter out(bytes);
  for (size_t i = 0; i < is_text_.size(); ++i) {
    if (!is_text_[i]) {
      out.fixed(expressions_.values(i)[row]);
      continue;
    }
    const uint32_t id = expressions_.texts(i)[row];
    if (id == Interner::kNone) {
      out.varint(0);
    } else {
      const std::string_view text = expressions_.dictionary(i)->text(id);
      out.varint(text.size() + 1);
      out.raw(text);
    }
  }
  return bytes;
}

void JoinSide::unpack(std::string_view bytes, StreamOutput& out) const {
  ByteReader in(bytes);
  for (const bool text : is_text_) {
    if (!text) {
      out.add_number(in.fixed<double>());
    } else if (const uint64_t n = in.varint(); n > 0) {
      out.add_text(in.raw(n - 1));
    } else {
      out.add_null();
    }
  }
}

void JoinSide::add_nulls(StreamOutput& out) const {
  for (size_t i = 0; i < is_text_.size(); ++i) out.add_null();
}

}  // namespace wayside
