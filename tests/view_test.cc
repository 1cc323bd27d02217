#include "pipeline/view.h"

#include <gtest/gtest.h>

#include "storage/view_tables.h"
#include "tests/block_fleet.h"

namespace wayside {
namespace {

ViewOptions view_over(const std::string& from) {
  ViewOptions view;
  view.name = "v";
  view.from = from;
  return view;
}

// A pipeline with one view, and the tables it fills, in memory.
class ViewStage {
 public:
  explicit ViewStage(ViewOptions view, std::vector<WindowOptions> windows = {}) {
    options_.sources = {climate()};
    options_.windows = std::move(windows);
    options_.views = {std::move(view)};
    std::vector<BlockError> errors;
    pipeline_ = Pipeline::make(options_, errors);
    for (const BlockError& e : errors) ADD_FAILURE() << e.item << ": " << e.message;
    db_ = std::move(*Database::open(":memory:", Database::Mode::kReadWrite));
    EXPECT_TRUE(db_->exec(ViewTables::schema()).ok());
    tables_ = std::make_unique<ViewTables>(*db_);
    if (pipeline_) set();
  }
  void set() {
    EXPECT_TRUE(tables_->set(pipeline_->view_shapes()).ok());
    tables_->committed();
  }

  // One group over `readings`; then the rows.
  Lines turn(const std::vector<Reading>& readings) {
    const Stage stage(options_);
    Group group = stage.make_group(readings, 0);
    pipeline_->turn(group, 0, emissions_);
    pipeline_->end_group(group);
    const Status applied = tables_->apply(emissions_.views(), ++entry_);
    EXPECT_TRUE(applied.ok()) << (applied.ok() ? "" : applied.error().message);
    tables_->committed();
    emissions_.views().clear();
    return rows();
  }
  // Values with blanks between; NULL is "-".
  Lines rows() const {
    Lines lines;
    auto columns = db_->prepare("SELECT name FROM pragma_table_info('view_v')");
    std::string all;
    while (*columns->step()) {
      all += (all.empty() ? "ifnull(\"" : " || ' ' || ifnull(\"") +
             std::string(columns->column_text(0)) + "\", '-')";
    }
    auto select = db_->prepare("SELECT " + all + " FROM view_v");
    if (!select.ok()) ADD_FAILURE() << select.error().message;
    while (select.ok() && *select->step()) lines.emplace_back(select->column_text(0));
    return lines;
  }
  Pipeline& pipeline() { return *pipeline_; }
  ViewTables& tables() { return *tables_; }

 private:
  PipelineOptions options_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Database> db_;
  std::unique_ptr<ViewTables> tables_;
  EmissionBuffer emissions_;
  uint64_t entry_ = 0;
};

TEST(View, a_row_is_as_the_last_reading_of_its_key_has_left_it) {
  ViewStage stage(view_over("climate"));
  EXPECT_EQ(stage.turn({{1, "b", 1, "x"}, {2, "a", 2}, {3, "a", 3, "y"}}),
            (Lines{"a 3.0 y 3 1", "b 1.0 x 1 1"}));
  EXPECT_EQ(stage.turn({{9, "b", kNull, "z"}, {4, "c", 4}}),
            (Lines{"a 3.0 y 3 1", "b - z 9 2", "c 4.0 - 4 2"}));
  EXPECT_EQ(stage.pipeline().total().used, 5u);
}

TEST(View, select_where_and_by_say_what_its_rows_are) {
  ViewOptions view = view_over("climate");
  view.by = {"key", "zone"};
  view.select = {{"zone", "CAST(coalesce(door, 'none') AS TEXT)"}, {"f", "temp_c * 2"}};
  view.where = "temp_c > 0";
  ViewStage stage(view);
  EXPECT_EQ(stage.turn({{1, "a", 1, "x"}, {2, "a", 2, "y"}, {3, "a", 3, "x"}, {4, "a", -1, "y"}}),
            (Lines{"a x 6.0 3 1", "a y 4.0 2 1"}));
}

TEST(View, a_reading_can_take_its_row_away) {
  ViewOptions view = view_over("climate");
  view.select = {{"t", "temp_c"}};
  view.delete_when = "door = 'gone'";
  ViewStage stage(view);
  EXPECT_EQ(stage.turn({{1, "a", 1}, {2, "b", 2}, {3, "a", 3, "gone"}}), Lines{"b 2.0 2 1"});
  EXPECT_EQ(stage.turn({{4, "b", 2, "gone"}, {5, "a", 5}, {6, "c", 6, "gone"}}),
            Lines{"a 5.0 5 2"});
  EXPECT_EQ(stage.tables().totals()[0].rows, 1u);
}

WindowOptions retracting(const std::string& having) {
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.gap_ms = 5'000;
  w.allowed_lateness_ms = 60'000;
  w.select = {{"sum", "sum(temp_c)"}};
  w.having = having;
  w.retract = true;
  return w;
}

TEST(View, with_a_row_a_window_it_follows_what_is_taken_back) {
  ViewOptions view = view_over("w");
  view.by = {"key", "window_start"};
  view.select = {{"sum", "sum"}};
  ViewStage stage(view, {retracting("sum > 0")});
  EXPECT_EQ(stage.turn({{10'000, "a", 1}, {17'000, "a", 2}, {40'000, "a", 8}}),
            (Lines{"a 10000.0 1.0 14999 1", "a 17000.0 2.0 21999 1"}));
  EXPECT_EQ(stage.turn({{17'000, "a", 4}}),
            (Lines{"a 10000.0 1.0 14999 1", "a 17000.0 6.0 21999 2"}));
  EXPECT_EQ(stage.turn({{13'000, "a", 8}}), Lines{"a 10000.0 15.0 21999 3"});  // the two are one
  EXPECT_EQ(stage.turn({{9'000, "a", -99}}), Lines{});                         // having
  EXPECT_EQ(stage.turn({{9'000, "a", 100}}), Lines{"a 9000.0 16.0 21999 5"});
}

TEST(View, a_row_of_all_keys_cannot_follow_what_is_taken_back) {
  PipelineOptions options;
  options.sources = {climate()};
  options.windows = {retracting("")};
  options.views = {view_over("w")};
  options.views[0].by = {"window_start"};
  std::vector<BlockError> errors;
  EXPECT_EQ(Pipeline::make(options, errors), nullptr);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].item, "by");
  EXPECT_NE(errors[0].message.find("add \"key\""), std::string::npos) << errors[0].message;
}

TEST(View, with_a_row_a_key_it_has_first_final_results_though_they_are_taken_back) {
  ViewOptions view = view_over("w");
  view.select = {{"sum", "sum"}};
  ViewStage stage(view, {retracting("")});
  stage.turn({{10'000, "a", 1}, {17'000, "a", 2}, {40'000, "a", 8}});
  EXPECT_EQ(stage.turn({{10'000, "a", 4}}), Lines{"a 2.0 21999 1"});
}

TEST(View, of_more_than_max_rows_the_oldest_by_event_time_go) {
  ViewOptions view = view_over("climate");
  view.select = {{"t", "temp_c"}};
  view.max_rows = 3;
  ViewStage stage(view);
  EXPECT_EQ(stage.turn({{5, "a", 1}, {1, "b", 1}, {2, "c", 1}, {9, "d", 1}}).size(), 3u);
  EXPECT_EQ(stage.turn({{3, "c", 2}, {4, "e", 1}}), (Lines{"a 1.0 5 1", "d 1.0 9 1", "e 1.0 4 2"}));
  EXPECT_EQ(stage.tables().totals()[0].evicted, 2u);
  EXPECT_EQ(stage.tables().totals()[0].rows, 3u);
}

TEST(View, a_reading_without_what_names_its_row_is_a_fault) {
  ViewOptions view = view_over("climate");
  view.by = {"door"};
  ViewStage stage(view);
  EXPECT_EQ(stage.turn({{1, "a", 1}, {2, "b", 2, "x"}}), Lines{"x b 2.0 2 1"});
  EXPECT_EQ(stage.pipeline().block_status()[0].faults, 1u);
  EXPECT_EQ(stage.pipeline().total().used, 2u);
}

TEST(View, an_entry_that_it_has_already_changes_nothing) {
  ViewStage stage(view_over("climate"));
  stage.turn({{1, "a", 1}});
  ViewChanges changes;
  ViewChange& change = changes.change(0, "a");
  change = {7, false, {"a", 7.0, std::monostate()}};
  ASSERT_TRUE(stage.tables().apply(changes, 1).ok());
  EXPECT_EQ(stage.rows(), Lines{"a 1.0 - 1 1"});
}

TEST(View, begins_empty_when_it_means_something_else) {
  ViewStage stage(view_over("climate"));
  stage.turn({{1, "a", 1}});
  stage.set();
  EXPECT_EQ(stage.rows(), Lines{"a 1.0 - 1 1"});
  auto shapes = stage.pipeline().view_shapes();
  shapes[0].meaning += 1;
  ASSERT_TRUE(stage.tables().set(shapes).ok());
  EXPECT_EQ(stage.rows(), Lines{});
}

TEST(View, a_column_that_sql_takes_for_another_gets_a_mark) {
  ViewOptions view = view_over("climate");
  view.by = {"Temp_C", "Time"};
  view.select = {{"Temp_C", "door"}, {"Time", "temp_c"}, {"temp_c", "temp_c"}};
  const std::vector<ViewShape> shapes = ViewStage(view).pipeline().view_shapes();
  std::vector<std::string> names;
  for (const ViewColumn& c : shapes[0].columns) names.push_back(c.name);
  EXPECT_EQ(names, (std::vector<std::string>{"Temp_C", "Time_", "temp_c_"}));
}

TEST(View, what_names_its_rows_must_be_there) {
  for (const auto& [by, message] : {
           std::pair{std::vector<std::string>{"dor"},
                     "there is no field or alias of select 'dor'; did you mean 'door'?"},
           {{"key", "vehicle"}, "'vehicle' is named twice"},
       }) {
    PipelineOptions options;
    options.sources = {climate()};
    options.views = {view_over("climate")};
    options.views[0].by = by;
    std::vector<BlockError> errors;
    EXPECT_EQ(Pipeline::make(options, errors), nullptr);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].item, "by");
    EXPECT_EQ(errors[0].message, message);
  }
}

}  // namespace
}  // namespace wayside
