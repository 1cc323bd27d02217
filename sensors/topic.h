// Topic patterns of the configuration: MQTT filters in which {name} takes one level into a text
// field.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wayside {

class TopicPattern {
 public:
  // "fleet/{vehicle}/climate"; '+' and a last '#' mean what they mean in MQTT.
  static Result<TopicPattern> parse(std::string_view text);

  const std::string& filter() const { return filter_; }             // for SUBSCRIBE
  const std::vector<std::string>& names() const { return names_; }  // of the {…} levels, in order
  // Fills `levels` with what the {…} levels hold; views into `topic`.
  bool match(std::string_view topic, std::vector<std::string_view>& levels) const;
  // There are topics that both match.
  bool overlaps(const TopicPattern& other) const;

 private:
  struct Level {
    enum class Kind { kLiteral, kAny, kCapture, kRest } kind;
    std::string literal;
  };
  std::vector<Level> levels_;
  std::vector<std::string> names_;
  std::string filter_;
};

}  // namespace wayside
