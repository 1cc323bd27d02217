// The first configuration of a gateway, from flags and questions.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"

namespace wayside {

// What has to be known for it; "" where it is not yet.
struct FirstAnswers {
  std::string id;
  std::string state_dir;
  std::string broker;
  std::string topic;
  std::string key;
  std::string fields;  // "temp_c=t, speed"
  std::string time;    // "none": the arrival counts
  std::string time_unit;
  std::string kafka;  // "none": events go to files
};

// Each has a flag and a question, and something is usual.
struct FirstQuestion {
  const char* flag;
  const char* text;
  const char* usual;  // "" where it depends on others
  std::string FirstAnswers::*answer;
};
const std::vector<FirstQuestion>& first_questions();

// Gives what is not known yet what is usual; with `in` it is asked for first, and an empty line
// takes what is usual. kUsage: the input ended before everything was asked.
Status complete(FirstAnswers& answers, std::istream* in, std::ostream& out);

// The file's text; the error tells all that is wrong with it, by its lines.
Result<std::string> first_config(const FirstAnswers& answers);

// A new file, for its owner and group. One that is there already stays as it is.
Status write_new_file(const std::string& path, const std::string& text);

}  // namespace wayside
