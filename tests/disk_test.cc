#include "base/disk.h"

#include <gtest/gtest.h>

#include "tests/temp_folder.h"

namespace wayside {
namespace {

// Passes everything on, but fails at the n-th operation, counted over the disk and its files.
class FailingDisk : public Disk {
 public:
  explicit FailingDisk(int fail_at) : left_(fail_at) {}
  bool has_failed() const { return left_ < 0; }

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    if (fails()) return error();
    auto file = posix_disk().open(path, mode);
    if (!file.ok()) return file.error();
    return std::unique_ptr<File>(std::make_unique<FailingFile>(*this, std::move(*file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    return fails() ? Status(error()) : posix_disk().rename(from, to);
  }
  Status remove(const std::string& path) override {
    return fails() ? Status(error()) : posix_disk().remove(path);
  }
  Status make_dirs(const std::string& path) override {
    return fails() ? Status(error()) : posix_disk().make_dirs(path);
  }
  Status sync_dir(const std::string& path) override {
    return fails() ? Status(error()) : posix_disk().sync_dir(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    if (fails()) return error();
    return posix_disk().list(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    if (fails()) return error();
    return posix_disk().free_bytes(path);
  }

 private:
  class FailingFile : public File {
   public:
    FailingFile(FailingDisk& disk, std::unique_ptr<File> file)
        : disk_(disk), file_(std::move(file)) {}
    Status write_at(uint64_t offset, std::string_view bytes) override {
      if (!disk_.fails()) return file_->write_at(offset, bytes);
      // A write that fails may have got half-way.
      (void)file_->write_at(offset, bytes.substr(0, bytes.size() / 2)).ok();
      return disk_.error();
    }
    Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
      if (disk_.fails()) return disk_.error();
      return file_->read_at(offset, into, size);
TEST(Disk, a_full_device_is_told_from_other_failures) {
  auto full = posix_disk().open("/dev/full", Disk::Mode::kReadWrite);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ((*full)->write_at(0, "x").error().code, ErrorCode::kFull);
}

    }
    Status sync_data() override {
      return disk_.fails() ? Status(disk_.error()) : file_->sync_data();
    }
    Status truncate(uint64_t size) override {
      return disk_.fails() ? Status(disk_.error()) : file_->truncate(size);
    }
    Result<uint64_t> size() override {
      if (disk_.fails()) return disk_.error();
      return file_->size();
    }

   private:
    FailingDisk& disk_;
    std::unique_ptr<File> file_;
  };

  bool fails() { return left_-- == 0; }
  Error error() const { return {ErrorCode::kIo, "made to fail"}; }

  int left_;
};

TEST(Disk, bytes_are_read_where_they_were_written) {
  TempFolder folder;
  auto file = posix_disk().open(folder / "f", Disk::Mode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write_at(4, "world").ok());
  ASSERT_TRUE((*file)->write_at(0, "hell").ok());
  ASSERT_TRUE((*file)->sync_data().ok());
  EXPECT_EQ((*file)->size().value(), 9u);
  char into[16] = {};
  EXPECT_EQ((*file)->read_at(2, into, 3).value(), 3u);
  EXPECT_STREQ(into, "llw");
  EXPECT_EQ((*file)->read_at(7, into, sizeof into).value(), 2u);  // the end of the file
  EXPECT_EQ((*file)->read_at(100, into, sizeof into).value(), 0u);
  ASSERT_TRUE((*file)->truncate(4).ok());
  EXPECT_EQ(read_file(posix_disk(), folder / "f").value(), "hell");
}

TEST(Disk, creating_a_file_that_is_there_keeps_what_it_holds) {
  TempFolder folder;
  ASSERT_TRUE(replace_file(posix_disk(), folder / "f", "kept").ok());
  ASSERT_TRUE(posix_disk().open(folder / "f", Disk::Mode::kCreate).ok());
  EXPECT_EQ(read_file(posix_disk(), folder / "f").value(), "kept");
}

TEST(Disk, an_error_names_operation_file_and_cause) {
  TempFolder folder;
  const auto missing = posix_disk().open(folder / "none", Disk::Mode::kReadWrite);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
  EXPECT_EQ(missing.error().message, "open " + (folder / "none") + ": No such file or directory");
  EXPECT_EQ(posix_disk().remove(folder / "none").error().message,
            "remove " + (folder / "none") + ": No such file or directory");
  EXPECT_FALSE(posix_disk().rename(folder / "none", folder / "f").ok());
  EXPECT_FALSE(posix_disk().sync_dir(folder / "none").ok());
  ASSERT_TRUE(replace_file(posix_disk(), folder / "f", "").ok());
  EXPECT_FALSE(posix_disk().make_dirs(folder / "f/inner").ok());
  EXPECT_FALSE(posix_disk().list(folder / "f").ok());
  auto read_only = posix_disk().open(folder / "f", Disk::Mode::kRead);
  ASSERT_TRUE(read_only.ok());
  EXPECT_FALSE((*read_only)->write_at(0, "x").ok());
}

TEST(Disk, a_list_is_sorted_and_a_missing_folder_is_an_empty_one) {
  TempFolder folder;
  EXPECT_TRUE(posix_disk().list(folder / "none").value().empty());
  ASSERT_TRUE(posix_disk().make_dirs(folder / "a/b").ok());
  ASSERT_TRUE(posix_disk().make_dirs(folder / "a/b").ok());
  for (const char* name : {"10", "02", "1"}) {
    ASSERT_TRUE(replace_file(posix_disk(), folder / "a" + "/" + name, "").ok());
  }
  EXPECT_EQ(posix_disk().list(folder / "a").value(),
            (std::vector<std::string>{"02", "1", "10", "b"}));
}

TEST(Disk, a_file_is_replaced_as_a_whole_or_not_at_all_wherever_it_fails) {
  int failures = 0;
  for (int fail_at = 0;; ++fail_at) {
    SCOPED_TRACE(fail_at);
    TempFolder folder;
    ASSERT_TRUE(replace_file(posix_disk(), folder / "f", "the old contents").ok());
    FailingDisk disk(fail_at);
    const bool done = replace_file(disk, folder / "f", "new").ok();
    EXPECT_EQ(done, !disk.has_failed());
    const std::string now = read_file(posix_disk(), folder / "f").value();
    EXPECT_TRUE(now == "new" || (!done && now == "the old contents")) << now;
    // What the failure left behind is not in the way.
    ASSERT_TRUE(replace_file(posix_disk(), folder / "f", "again").ok());
    EXPECT_EQ(read_file(posix_disk(), folder / "f").value(), "again");
    EXPECT_EQ(posix_disk().list(folder.path()).value(), std::vector<std::string>{"f"});
    if (done) break;
    ++failures;
  }
  EXPECT_EQ(failures, 6);  // open, truncate, write, sync, rename, sync of the folder
}

}  // namespace
}  // namespace wayside
