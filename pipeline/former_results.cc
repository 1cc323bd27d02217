#include "pipeline/former_results.h"

#include <algorithm>
#include <iterator>

namespace wayside {
namespace {

void write_value(ByteWriter& out, const Value& value) {
  out.fixed(static_cast<uint8_t>(value.index()));
  if (const auto* number = std::get_if<double>(&value)) out.fixed(*number);
  if (const auto* flag = std::get_if<bool>(&value)) out.fixed<uint8_t>(*flag);
  if (const auto* text = std::get_if<std::string>(&value)) out.text(*text);
}

Value read_value(ByteReader& in) {
  const size_t kind = in.fixed<uint8_t>();
  if (kind == Value(0.0).index()) return in.fixed<double>();
  if (kind == Value(false).index()) return in.fixed<uint8_t>() != 0;
  if (kind == Value(std::string()).index()) return std::string(in.text());
  if (kind != Value().index()) in.fail();
  return {};
}

}  // namespace

void FormerResults::add(uint32_t key, FormerResult result) {
  std::vector<FormerResult>& all = keys_[key];
  const auto behind = [](int64_t start, const FormerResult& r) { return start < r.start; };
  all.insert(std::upper_bound(all.begin(), all.end(), result.start, behind), std::move(result));
}

std::vector<FormerResult> FormerResults::take(uint32_t key, int64_t first, int64_t last) {
  std::vector<FormerResult> taken;
  const auto found = keys_.find(key);
  if (found == keys_.end()) return taken;
  std::vector<FormerResult>& all = found->second;
  const auto begin = std::partition_point(all.begin(), all.end(),
                                          [&](const FormerResult& r) { return r.start < first; });
  const auto end = std::partition_point(begin, all.end(),
                                        [&](const FormerResult& r) { return r.start <= last; });
  taken.assign(std::move_iterator(begin), std::move_iterator(end));
  all.erase(begin, end);
  if (all.empty()) keys_.erase(found);
  return taken;
}

void FormerResults::drop(uint32_t key, int64_t from, int64_t to) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  std::erase_if(found->second,
                [&](const FormerResult& r) { return r.start >= from && r.end <= to; });
  if (found->second.empty()) keys_.erase(found);
}

void FormerResults::save(uint32_t key, ByteWriter& out) const {
  const auto found = keys_.find(key);
  out.varint(found == keys_.end() ? 0 : found->second.size());
  if (found == keys_.end()) return;
  for (const FormerResult& r : found->second) {
    out.fixed(r.start);
    out.fixed(r.end);
    out.fixed(r.time_ms);
    out.varint(r.revision);
    out.fixed<uint8_t>(r.final);
    for (const Value& value : r.values) write_value(out, value);
  }
}

void FormerResults::load(uint32_t key, ByteReader& in, size_t values) {
  for (size_t n = in.count(26); n > 0 && in.ok(); --n) {
    FormerResult r;
    r.start = in.fixed<int64_t>();
    r.end = in.fixed<int64_t>();
    r.time_ms = in.fixed<int64_t>();
    r.revision = static_cast<uint32_t>(in.varint());
    r.final = in.fixed<uint8_t>() != 0;
    for (size_t i = 0; i < values && in.ok(); ++i) r.values.push_back(read_value(in));
    if (in.ok()) add(key, std::move(r));
  }
}

}  // namespace wayside
