#include "firmware-gw/lookup_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/sqlite.h"
#include "tests/stage.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class Files : public testing::Test {
 protected:
  LookupOptions csv(const std::string& text) {
    LookupOptions options;
    options.name = "equipped";
    options.from = "climate";
    options.match = options.column = "door";
    options.columns = {{"zone", "text"}, {"limit_c", "number"}};
    options.file = folder_.path() + "/doors.csv";
    write(text);
    return options;
  }
  void write(const std::string& text) {
    std::ofstream(folder_.path() + "/new", std::ios::binary) << text;
    std::filesystem::rename(folder_.path() + "/new", folder_.path() + "/doors.csv");
  }
  LookupOptions database(const std::string& sql) {
    LookupOptions options = csv("");
    options.file = folder_.path() + "/doors.db";
    options.table = "doors";
    auto db = Database::open(options.file, Database::Mode::kReadWrite);
    EXPECT_TRUE((*db)->exec(sql.c_str()).ok());
    return options;
  }
  std::string error_of(const LookupOptions& options) {
    const auto contents = read_lookup(options);
    if (contents.ok()) return "";
    return contents.error().message.substr(folder_.path().size() + 1);
  }
  TempFolder folder_;
};

TEST_F(Files, a_csv_gives_the_columns_that_are_wanted) {
  const auto c =
      read_lookup(csv("limit_c,x,door,zone\n8,?,open,dock\n,?,shut,\"road, or rail\"\n"));
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "shut"}));
  EXPECT_EQ(c->cells[0], (std::vector<Value>{std::string("dock"), std::string("road, or rail")}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{8.0, {}})) << "an empty cell is no number";
}

TEST_F(Files, a_database_gives_the_same) {
  const auto c = read_lookup(database(
      "CREATE TABLE doors (door, zone, limit_c);"
      "INSERT INTO doors VALUES ('open', 'dock', 8), ('shut', NULL, NULL), (NULL, 'x', 1)"));
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "shut"}));
  EXPECT_EQ(c->cells[0], (std::vector<Value>{std::string("dock"), {}}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{8.0, {}}));
}

TEST_F(Files, what_is_wrong_is_told_with_its_place) {
  const std::string head = "door,zone,limit_c\n";
  EXPECT_EQ(error_of(csv("")), "doors.csv: is empty; its first line names the columns");
  EXPECT_EQ(error_of(csv("door,zon,limit_c\n")),
            "doors.csv:1: there is no column 'zone'; did you mean 'zon'?");
  EXPECT_EQ(error_of(csv(head + "\nopen,dock,warm\n")),
            "doors.csv:3: limit_c: 'warm' is no number");
  EXPECT_EQ(error_of(csv(head + "open,dock\n")), "doors.csv:2: 2 cells where the first line has 3");
  EXPECT_EQ(error_of(csv(head + "open,a,1\nopen,b,2\n")),
            "doors.csv:3: 'open' stands in door of another row, too");
  EXPECT_EQ(error_of(csv(head + "open,\"dock,1\n")),
            "doors.csv:2: 2 cells where the first line has 3");
  EXPECT_EQ(error_of(csv(head + "open,1,\"2\n")), "doors.csv:2: limit_c: '2\n' is no number");
  LookupOptions small = csv(head + "open,a,1\nshut,b,2\n");
  small.max_rows = 1;
  EXPECT_EQ(error_of(small), "doors.csv:3: there are more rows than max_rows = 1");
  small.max_bytes = 10;
  EXPECT_EQ(error_of(small), "doors.csv: has 36 bytes, more than max_bytes allows");
  small.file += "x";
  EXPECT_EQ(error_of(small), "doors.csvx: No such file or directory");
  EXPECT_TRUE(error_of(database("CREATE TABLE doors (door, zone)"))
                  .starts_with("doors.db: no such column: t.limit_c"));
}

TEST_F(Files, a_file_is_read_again_when_it_has_changed_and_told_when_it_says_something_else) {
  const std::vector<LookupOptions> lookups = {csv("door,zone,limit_c\nopen,dock,8\n")};
  PipelineOptions options;
  options.sources = {climate()};
  options.lookups = lookups;
  Stage stage(options);
  LookupFiles files(lookups);
  EXPECT_LE(files.next_ms(), 0);
  auto note = files.next(stage.pipeline(), 0);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookup);
  stage.pipeline().set_lookup_contents("equipped", note->text);
  EXPECT_FALSE(files.next(stage.pipeline(), 0)) << "not due";
  EXPECT_EQ(files.next_ms(), 60'000);
  EXPECT_FALSE(files.next(stage.pipeline(), 60'000)) << "not changed";
  write("door,zone,limit_c,more\nopen,dock,8,-\n");
  EXPECT_FALSE(files.next(stage.pipeline(), 120'000)) << "the same in other words";
  write("door,zone,limit_c\nopen,dock,hot\n");
  note = files.next(stage.pipeline(), 180'000);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookupFailed);
  EXPECT_TRUE(note->text.ends_with("'hot' is no number; what was read before stays")) << note->text;
  std::filesystem::remove(lookups[0].file);
  note = files.next(stage.pipeline(), 240'000);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookupFailed);
  EXPECT_FALSE(files.next(stage.pipeline(), 300'000)) << "it was told";
  write("door,zone,limit_c\nopen,dock,9\n");
  note = files.next(stage.pipeline(), 360'000);
  EXPECT_TRUE(note && note->kind == Note::Kind::kLookup);
}

}  // namespace
}  // namespace wayside
