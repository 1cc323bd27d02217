#include "storage/mark.h"

#include <charconv>
#include <vector>

namespace wayside {

std::string Mark::to_text() const {
  std::string text = "1 " + (epoch.empty() ? "-" : epoch);
  for (uint64_t n :
       {delivered_upto[0], delivered_upto[1], raw_entry, raw_rows, raw_seen, delivered, dropped}) {
    text += ' ' + std::to_string(n);
  }
  return text;
}

std::optional<Mark> Mark::from_text(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  if (words.size() != 9 || words[0] != "1") return std::nullopt;
  Mark mark;
  if (words[1] != "-") mark.epoch = words[1];
  uint64_t* numbers[] = {
      &mark.delivered_upto[0], &mark.delivered_upto[1], &mark.raw_entry, &mark.raw_rows,
      &mark.raw_seen,          &mark.delivered,         &mark.dropped};
  for (size_t i = 0; i < 7; ++i) {
    std::string_view w = words[i + 2];
    auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), *numbers[i]);
    if (error != std::errc() || end != w.data() + w.size()) return std::nullopt;
  }
  return mark;
}

}  // namespace wayside
