#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kWindow = "having = \"n >= 3\"";

std::string blocks(const std::string& lines) {
  return "[[order]]\nname = \"o\"\nfrom = \"climate\"\n" + lines +
         "\n[[join]]\nname = \"j\"\nfrom = \"climate\"\nwith = \"cold_5m\"\n" + lines +
         "\n[[pattern]]\nname = \"p\"\nfrom = \"climate\"\nwithin = \"1m\"\n"
         "steps = [{ name = \"a\", when = \"1\" }]\n" +
         lines + "\n[[rule]]";
}

TEST(ConfigBounds, are_read_as_they_are_written) {
  std::string text = with(kWindow,
                          "max_keys = 500\nmax_bytes = \"1MiB\"\nstate = \"sqlite\"\n"
                          "resident_keys = 20");
  text = with("[[rule]]", blocks("max_keys = 7\nmax_bytes = \"8KiB\"\nstate = \"memory\""), text);
  const auto config = parse_good(text);
  ASSERT_TRUE(config);
  const StateBounds& window = config->windows[0].bounds;
  EXPECT_EQ(window.max_keys, 500u);
  EXPECT_EQ(window.max_bytes, 1u << 20);
  EXPECT_TRUE(window.on_disk);
  EXPECT_EQ(window.resident_keys, 20u);
  for (const StateBounds* o :
       {&config->orders[0].bounds, &config->joins[0].bounds, &config->patterns[0].bounds}) {
    EXPECT_EQ(o->max_keys, 7u);
    EXPECT_EQ(o->max_bytes, 8'192u);
    EXPECT_FALSE(o->on_disk);
  }
}

TEST(ConfigBounds, what_cannot_be_is_told_where_it_stands) {
  expect_errors({
      {kWindow, "max_keys = @@0", "'max_keys': must be from 1 to 10000000"},
      {kWindow, "max_bytes = @@\"1KiB\"", "'max_bytes': must be at least 4KiB"},
      {kWindow, "state = @@\"disk\"", "'state': expected \"memory\" or \"sqlite\""},
      {kWindow, "resident_keys = @@10", "'resident_keys': goes with state = \"sqlite\" only"},
      {kWindow, "state = \"sqlite\"\nmax_keys = 9\nresident_keys = @@10",
       "'resident_keys': is above max_keys: so many keys there never are"},
  });
  std::string text = with("[[rule]]", blocks("state = @@\"sqlite\""));
  std::vector<std::string> expected;
  for (const std::string& mark : take_marks(text)) {
    expected.push_back(mark +
                       ": 'state': \"sqlite\" is for [[window]] and [[state]]; here it is "
                       "\"memory\"");
  }
  EXPECT_EQ(expected.size(), 3u);
  EXPECT_EQ(errors_of(text), expected);
}

}  // namespace
}  // namespace wayside
