#include "storage/mark.h"

#include <algorithm>
#include <charconv>

namespace wayside {
namespace {

constexpr size_t kNumbers1 = 7;  // of version 1
constexpr size_t kNumbers = 9;
constexpr size_t kNumbers3 = 10;  // of version 3, which knows what was compacted
constexpr size_t kPartNumbers = 7;

// All numbers of a mark in the order of its text, those of the backlog's parts last.
template <class M>  // Mark or const Mark
auto numbers_of(M& mark, bool third) {
  std::vector<decltype(&mark.entry)> all{&mark.delivered_upto[0],
                                         &mark.delivered_upto[1],
                                         &mark.raw.entry,
                                         &mark.raw.rows,
                                         &mark.raw.seen,
                                         &mark.delivered,
                                         &mark.dropped,
                                         &mark.entry,
                                         &mark.chain};
  if (third) all.push_back(&mark.compacted);
  for (auto& part : mark.backlog) {
    all.insert(all.end(), {&part.result_upto, &part.result_end, &part.raw.entry, &part.raw.rows,
                           &part.raw.seen, &part.raw_end.entry, &part.raw_end.seen});
  }
  return all;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return words;
}

}  // namespace

uint64_t chain_of(const Digest& hash) {
  uint64_t chain = 0;
  for (size_t i = 0; i < 8; ++i) chain = chain << 8 | hash[i];
  return chain;
}

std::string Mark::to_text() const {
  const bool third = compacted > 0;  // else who knows only version 2 may read it, too
  std::string text = (third ? "3 " : "2 ") + (epoch.empty() ? "-" : epoch);
  for (const uint64_t* number : numbers_of(*this, third)) text += ' ' + std::to_string(*number);
  return text;
}

std::optional<Mark> Mark::from_text(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() < 2) return std::nullopt;
  const size_t count = words.size() - 2;
  const bool first = words[0] == "1" && count == kNumbers1;
  const bool third = words[0] == "3";
  const size_t numbers_alone = third ? kNumbers3 : kNumbers;
  const bool has_parts = (third || words[0] == "2") && count >= numbers_alone &&
                         (count - numbers_alone) % kPartNumbers == 0 &&
                         (count - numbers_alone) / kPartNumbers <= kPartsMax;
  if (!first && !has_parts) return std::nullopt;
  Mark mark;
  if (words[1] != "-") mark.epoch = words[1];
  if (has_parts) mark.backlog.resize((count - numbers_alone) / kPartNumbers);
  const std::vector<uint64_t*> numbers = numbers_of(mark, third);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view w = words[i + 2];
    auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), *numbers[i]);
    if (error != std::errc() || end != w.data() + w.size()) return std::nullopt;
  }
  return mark;
}

}  // namespace wayside
