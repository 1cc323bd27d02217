// A folder of its own for a test that needs real files (SQLite's), gone afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace wayside {

class TempFolder {
 public:
  TempFolder() : path_(std::filesystem::temp_directory_path() / "wayside-test-XXXXXX") {
    if (!::mkdtemp(path_.data())) throw std::runtime_error("no temporary folder at " + path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wayside
