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
      {{"e3", {300, 290}, {99, 7, 0}, 400, 1, 9, 8, {}},
       Mark{"e3", {300, 290}, {99, 7, 0}, 400, 1, 9, 8, {}}},
      {{"e2", {190, 180}, {80, 7, 0}, 400, 1, 9, 8, {}},
       Mark{"e3", {190, 180}, {80, 7, 0}, 400, 1, 0, 0, {}}},
      {{"e2", {210, 180}, {95, 7, 0}, 400, 1, 9, 8, {}},
       Mark{"e3", {200, 180}, {90, 0, 0}, 400, 1, 0, 0, {}}},
      {{"e1", {90, 120}, {49, 7, 0}, 400, 1, 9, 8, {}},
       Mark{"e3", {90, 100}, {49, 7, 0}, 400, 1, 0, 0, {}}},
      {{"e1", {90, 120}, {50, 7, 0}, 400, 1, 9, 8, {}},  // 7 readings of the other one's entry 51
       Mark{"e3", {90, 100}, {50, 0, 0}, 400, 1, 0, 0, {}}},
      {{"e1", {210, 220}, {95, 7, 0}, 400, 1, 9, 8, {}},
       Mark{"e3", {100, 100}, {50, 0, 0}, 400, 1, 0, 0, {}}},
      {{"e1", {90, 120}, {95, 0, 0}, 400, 1, 9, 8, {{60, 110, {40, 7, 1}, {60, 0, 9}}}},
       Mark{"e3", {90, 100}, {50, 0, 0}, 400, 1, 0, 0, {{60, 100, {40, 7, 1}, {50, 0, 9}}}}},
      {{"e0", {1, 1}, {1, 1, 0}, 1, 1, 0, 0, {}}, std::nullopt},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(in_last_epoch(row.mark, epochs), row.wanted) << row.mark.to_text();
  }
}

TEST(Sink, goes_on_from_the_sinks_mark_if_that_is_ours_and_not_behind) {
  // A store that had delivered up to 100 found that another one had its name, and began e2 there.
  const std::vector<Epoch> epochs{{"e1", 1, 1}, {"e2", 101, 51}};
  const Mark local{"e2", {100, 105}, {50, 3, 7}, 40, 2, 0, 0, {}};
  struct Row {
    std::optional<Mark> remembered;
    bool used;
  };
  const Row rows[] = {
      {std::nullopt, false},
      {Mark{"e0", {900, 900}, {900, 0, 0}, 900, 0, 9, 9, {}}, false},
      {Mark{"e2", {100, 105}, {50, 3, 7}, 40, 1, 9, 9, {}}, false},
      {Mark{"e2", {100, 105}, {50, 3, 7}, 40, 2, 9, 9, {}}, true},
      {Mark{"e2", {100, 106}, {50, 3, 7}, 41, 2, 9, 9, {}}, true},
      {Mark{"e1", {100, 105}, {50, 3, 7}, 40, 2, 9, 9, {}}, false},   // both up to the end of e1
      {Mark{"e1", {100, 300}, {90, 0, 9}, 400, 2, 9, 9, {}}, false},  // the other one's
  };
  for (const auto& [remembered, used] : rows) {
    const Mark mark = resume_from(local, remembered, epochs);
    EXPECT_EQ(mark, used ? *remembered : local) << (remembered ? remembered->to_text() : "none");
  }
  // A store that was lost and made again knows of no delivery.
  EXPECT_EQ(resume_from({"e2"}, Mark{"e1", {90, 120}, {40, 1, 5}, 9, 0, 9, 9, {}}, epochs),
            (Mark{"e2", {90, 100}, {40, 1, 5}, 9, 0, 0, 0, {}}));
}

}  // namespace
}  // namespace wayside
