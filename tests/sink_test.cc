#include "uplink/sink.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(Sink, a_mark_goes_no_further_than_its_epoch) {
  const std::vector<Epoch> epochs{{"e1", 1, 1}, {"e2", 101, 51}, {"e3", 201, 91}};
  struct Row {
    Mark mark;
    std::optional<Mark> wanted;
  };
  const Row rows[] = {
      {{"e3", {300, 290}, 99, 7, 0, 400, 1}, Mark{"e3", {300, 290}, 99, 7, 0, 400, 1}},
      {{"e2", {190, 180}, 80, 7, 0, 400, 1}, Mark{"e3", {190, 180}, 80, 7, 0, 400, 1}},
      {{"e2", {210, 180}, 95, 7, 0, 400, 1}, Mark{"e3", {200, 180}, 90, 0, 0, 400, 1}},
      {{"e1", {90, 120}, 50, 7, 0, 400, 1}, Mark{"e3", {90, 100}, 50, 7, 0, 400, 1}},
      {{"e1", {210, 220}, 95, 7, 0, 400, 1}, Mark{"e3", {100, 100}, 50, 0, 0, 400, 1}},
      {{"e0", {1, 1}, 1, 1, 0, 1, 1}, std::nullopt},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(in_last_epoch(row.mark, epochs), row.wanted) << row.mark.to_text();
  }
}

}  // namespace
}  // namespace wayside
