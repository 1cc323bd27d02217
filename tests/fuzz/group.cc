// A block of the journal that was damaged, or made by somebody else.
#include <cstdlib>

#include "storage/group_codec.h"
#include "tests/fuzz/patch.h"

namespace wayside {
namespace {

const std::vector<NamedSchema> kSources{
    {"climate",
     {{{"vehicle", FieldType::kText}, {"temp_c", FieldType::kNumber}, {"open", FieldType::kBool}},
      0}},
    {"position", {{{"lat", FieldType::kNumber}, {"vehicle", FieldType::kText}}, 1}}};
const std::vector<std::string> kConnections{"local", "remote"};

void require(bool truth) {
  if (!truth) std::abort();
}

Group empty_group() {
  Group group;
  for (const NamedSchema& s : kSources) group.batches.emplace_back(s.schema);
  group.duplicates.resize(kSources.size());
  group.rows_before.resize(kSources.size());
  return group;
}

std::string sample() {
  Group g = empty_group();
  for (int64_t i = 0; i < 3; ++i) {
    ReadingBatch& b = g.batches[0];
    b.times.push_back(1'000 * i);
    b.columns[0].texts.push_back(i == 1 ? Interner::kNone
                                        : b.texts.intern("truck-" + std::to_string(i)));
    b.columns[1].numbers.push_back(i == 2 ? kNull : 20.5 + static_cast<double>(i));
    b.columns[2].numbers.push_back(i == 0 ? 1 : kNull);
  }
  ReadingBatch& b = g.batches[1];
  b.times.push_back(-1);
  b.columns[0].numbers.push_back(1.0 / 3);
  b.columns[1].texts.push_back(b.texts.intern("truck-1"));
  g.turns = {{{5'000, 70}, {{0, 0, 2}, {1, 0, 1}}}, {{5'001, 71}, {{0, 2, 3}}}};
  g.rejected = {{0, "range", "temp_c", "fleet/1/climate", "{}"}};
  g.publishes = {{0, 1, 2}, {1, 65'535, 3}};
  g.notes = {{Note::Kind::kNewEpoch, 0, "e1", "why"}};
  std::string block;
  encode_group(g, kSources, kConnections, block);
  return block;
}

}  // namespace
}  // namespace wayside

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const std::string whole = sample();
  const std::string block = fuzz_input(whole, data, size);
  Group group = empty_group();
  if (!decode_group(block, kSources, kConnections, group).ok()) return 0;
  for (const ReadingBatch& b : group.batches) {
    for (const Column& c : b.columns) {
      require(c.numbers.size() + c.texts.size() == b.rows());
      for (uint32_t id : c.texts) require(id == Interner::kNone || id < b.texts.size());
    }
  }
  for (const Turn& t : group.turns) {
    for (const Slice& s : t.slices) {
      require(s.source < kSources.size() && s.begin <= s.end);
      require(s.end <= group.batches[s.source].rows());
    }
  }
  // What was accepted can be written again, and says the same then.
  std::string first, second;
  encode_group(group, kSources, kConnections, first);
  Group again = empty_group();
  require(decode_group(first, kSources, kConnections, again).ok());
  encode_group(again, kSources, kConnections, second);
  require(first == second);
  return 0;
}
