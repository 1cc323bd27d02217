#include "sensors/splitter.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

using Texts = std::vector<std::string>;

Texts texts(const std::vector<Splitter::Message>& messages) {
  Texts all;
  for (const auto& m : messages)
    all.push_back(m.is_oversized ? "<oversized>" : std::string(m.text));
  return all;
}

TEST(Splitter, lines_are_messages_however_their_bytes_come) {
  const std::string all = "one\r\ntwo\n\n\r\nthree\n";
  for (size_t step = 1; step <= all.size(); ++step) {
    Splitter splitter(true, 100);
    Texts got;
    for (size_t at = 0; at < all.size(); at += step) {
      splitter.add(std::string_view(all).substr(at, step));
      for (const std::string& text : texts(splitter.take())) got.push_back(text);
    }
    EXPECT_EQ(got, (Texts{"one", "two", "three"})) << step;
  }
}

TEST(Splitter, a_line_that_has_not_ended_waits) {
  Splitter splitter(true, 100);
  splitter.add("on");
  EXPECT_EQ(texts(splitter.take()), Texts{});
  splitter.pause();
  EXPECT_EQ(texts(splitter.take()), Texts{});
  splitter.add("e\n");
  EXPECT_EQ(texts(splitter.take()), Texts{"one"});
}

TEST(Splitter, a_line_over_the_limit_is_told_once_and_the_next_one_is_unharmed) {
  for (size_t step : {1, 3, 100}) {
    Splitter splitter(true, 5);
    const std::string all = "12345\n123456\n" + std::string(50, 'x') + "\nok\n";
    Texts got;
    for (size_t at = 0; at < all.size(); at += step) {
      splitter.add(std::string_view(all).substr(at, step));
      for (const std::string& text : texts(splitter.take())) got.push_back(text);
    }
    EXPECT_EQ(got, (Texts{"12345", "<oversized>", "<oversized>", "ok"})) << step;
  }
}

TEST(Splitter, a_burst_is_what_comes_before_a_pause) {
  Splitter splitter(false, 100);
  splitter.add("$GPGGA\r\n$GP");
  EXPECT_EQ(texts(splitter.take()), Texts{});
  EXPECT_TRUE(splitter.holds_burst());
  splitter.add("RMC\r\n");
  EXPECT_EQ(texts(splitter.take()), Texts{});
  splitter.pause();
  EXPECT_EQ(texts(splitter.take()), Texts{"$GPGGA\r\n$GPRMC"});
  EXPECT_FALSE(splitter.holds_burst());
  splitter.add("$GPGGA\r\n$GPR");
  splitter.pause();
  EXPECT_EQ(texts(splitter.take()), Texts{"$GPGGA"});  // the rest belongs to the next one
  splitter.add("MC\r\n");
  splitter.pause();
  EXPECT_EQ(texts(splitter.take()), Texts{"$GPRMC"});
}

TEST(Splitter, a_burst_over_the_limit_is_several_messages_of_whole_lines) {
  Splitter splitter(false, 8);
  splitter.add("ab\ncd\nef\ngh\n");
  EXPECT_EQ(texts(splitter.take()), Texts{"ab\ncd"});
  splitter.add("toolongforit\nij\n");
  EXPECT_EQ(texts(splitter.take()), (Texts{"ef\ngh", "<oversized>"}));
  splitter.pause();
  EXPECT_EQ(texts(splitter.take()), Texts{"ij"});
}

TEST(Splitter, lines_that_begin_so_are_left_out_also_of_bursts) {
  for (const bool by_line : {true, false}) {
    for (size_t step : {1, 4, 100}) {
      Splitter splitter(by_line, 100, '{');
      const std::string all = "{\"class\":1}\r\n$A\n{}\n{}\n$B{\n{\n";
      std::string got;
      for (size_t at = 0; at < all.size(); at += step) {
        splitter.add(std::string_view(all).substr(at, step));
        if (by_line) {
          for (const std::string& text : texts(splitter.take())) got += text + "\n";
        }
      }
      splitter.pause();
      for (const std::string& text : texts(splitter.take())) got += text + "\n";
      EXPECT_EQ(got, "$A\n$B{\n") << by_line << step;
    }
  }
}

TEST(Splitter, another_connection_begins_with_nothing) {
  Splitter splitter(true, 5);
  splitter.add("half a line that is too long");
  EXPECT_EQ(texts(splitter.take()), Texts{"<oversized>"});
  splitter.reset();
  splitter.add("ok\n");
  EXPECT_EQ(texts(splitter.take()), Texts{"ok"});
}

}  // namespace
}  // namespace wayside
