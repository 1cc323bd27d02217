#include "sensors/topic.h"

#include <algorithm>

#include "base/text.h"

namespace wayside {
namespace {

std::string_view take_level(std::string_view& rest, bool& last) {
  size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  std::string_view level = rest.substr(0, slash);
  rest.remove_prefix(last ? rest.size() : slash + 1);
  return level;
}

}  // namespace

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  auto bad = [&](const std::string& why) {
    return Error{ErrorCode::kConfig, "topic \"" + std::string(text) + "\": " + why};
  };
  if (text.empty()) return bad("is empty");
  TopicPattern pattern;
  std::string_view rest = text;
  for (bool last = false; !last;) {
    std::string_view level = take_level(rest, last);
    if (!pattern.levels_.empty()) pattern.filter_ += '/';
    if (level == "#") {
      if (!last) return bad("'#' may only be the last level");
      pattern.levels_.push_back({Level::Kind::kRest, {}});
      pattern.filter_ += '#';
    } else if (level == "+") {
      pattern.levels_.push_back({Level::Kind::kAny, {}});
      pattern.filter_ += '+';
    } else if (level.size() > 2 && level.front() == '{' && level.back() == '}') {
      std::string name(level.substr(1, level.size() - 2));
      if (!is_name(name)) return bad("'" + name + "' is not a name");
      if (std::count(pattern.names_.begin(), pattern.names_.end(), name) > 0) {
        return bad("{" + name + "} stands twice");
      }
      pattern.names_.push_back(name);
      pattern.levels_.push_back({Level::Kind::kCapture, {}});
      pattern.filter_ += '+';
    } else if (level.find_first_of("+#{}") != std::string_view::npos) {
      return bad("a level is either text, '+', '#' or {name}, never a mixture");
    } else {
      pattern.levels_.push_back({Level::Kind::kLiteral, std::string(level)});
      pattern.filter_ += level;
    }
  }
  return pattern;
}

bool TopicPattern::match(std::string_view topic, std::vector<std::string_view>& levels) const {
  levels.clear();
  // MQTT 3.1.1 section 4.7.2: a wildcard in front does not match the broker's own topics.
  const bool broker_own = !topic.empty() && topic.front() == '$';
  if (broker_own && levels_.front().kind != Level::Kind::kLiteral) return false;
  bool last = false;
  for (const Level& expected : levels_) {
    if (expected.kind == Level::Kind::kRest) return true;
    if (last) return false;
    std::string_view level = take_level(topic, last);
    if (expected.kind == Level::Kind::kLiteral && level != expected.literal) return false;
    if (expected.kind == Level::Kind::kCapture) levels.push_back(level);
  }
  return last;
}

bool TopicPattern::overlaps(const TopicPattern& other) const {
  using enum Level::Kind;
  const size_t shorter = std::min(levels_.size(), other.levels_.size());
  for (size_t i = 0; i < shorter; ++i) {
    const Level& a = levels_[i];
    const Level& b = other.levels_[i];
    if (a.kind == kRest || b.kind == kRest) return true;
    if (a.kind == kLiteral && b.kind == kLiteral && a.literal != b.literal) return false;
  }
  if (levels_.size() == other.levels_.size()) return true;
  const auto& longer = levels_.size() > shorter ? levels_ : other.levels_;
  return longer.size() == shorter + 1 && longer.back().kind == kRest;  // "a/#" matches "a", too
}

}  // namespace wayside
