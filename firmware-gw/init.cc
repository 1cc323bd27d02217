#include "firmware-gw/init.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <sstream>

#include "base/text.h"
#include "config/config.h"
#include "sensors/topic.h"

namespace wayside {
namespace {

constexpr mode_t kMode = 0644;  // the gateway has a user of its own; secrets are never in it
constexpr const char* kNone = "none";

std::string usual(const FirstQuestion& question, const FirstAnswers& known) {
  if (*question.usual != '\0') return question.usual;
  if (question.answer != &FirstAnswers::key) return "";
  const auto topic = TopicPattern::parse(known.topic);  // the key is mostly in it
  return topic.ok() && !topic->names().empty() ? topic->names().front() : "";
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin));
}

// "a, b" without what is empty.
std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (auto part = trimmed(list.substr(begin, end - begin)); !part.empty()) parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

struct NamedPath {
  std::string name, path;
};
std::vector<NamedPath> fields_of(const FirstAnswers& a) {
  std::vector<NamedPath> fields;
  for (const std::string& field : parts_of(a.fields)) {
    const size_t equals = field.find('=');
    const std::string name = trimmed(field.substr(0, equals));
    fields.push_back({name, equals == field.npos ? name : trimmed(field.substr(equals + 1))});
  }
  return fields;
}

std::string line(const char* key, const std::string& value) {
  return std::string(key) + " = " + json_string(value) + "\n";
}

std::string source_text(const FirstAnswers& a) {
  std::string text =
      "[[source]]\n" + line("name", "readings") + line("topic", a.topic) + line("key", a.key);
  if (a.time != kNone) {
    text +=
        "time = { field = " + json_string(a.time) + ", unit = " + json_string(a.time_unit) + " }\n";
  }
  text += "[source.fields]\n";
  for (const NamedPath& field : fields_of(a)) text += line(field.name.c_str(), field.path);
  return text;
}

std::string window_text(const FirstAnswers& a) {
  std::string select = "n = \"count()\"";
  for (const NamedPath& field : fields_of(a)) {
    for (const std::string function : {"avg", "min", "max"}) {
      select += ", " + field.name + "_" + function + " = " +
                json_string(function + "(" + field.name + ")");
    }
  }
  return "# A result a minute and key.\n[[window]]\n" + line("name", "minutes") +
         line("from", "readings") + line("size", "1m") + "select = { " + select + " }\n";
}

std::string uplink_text(const FirstAnswers& a) {
  const std::string head = "[[uplink]]\n" + line("name", "centre");
  if (a.kafka == kNone) return head + line("type", "file");
  std::string brokers;
  for (const std::string& broker : parts_of(a.kafka)) {
    brokers += (brokers.empty() ? "" : ", ") + json_string(broker);
  }
  return head + line("type", "kafka") + "brokers = [" + brokers + "]\n" +
         line("topic", "wayside.{block}");
}

Error ended_before(const FirstQuestion& question) {
  return {ErrorCode::kUsage, std::string("the input ended before an answer to \"") + question.text +
                                 "\"; nothing is written. Give it as " + question.flag +
                                 ", or take with --yes what is usual"};
}

// The file that the error is in is not there to be looked at.
std::string line_of(const std::string& text, size_t number) {
  std::istringstream lines(text);
  std::string found;
  for (size_t i = 0; i < number; ++i) std::getline(lines, found);
  return found;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(size_t(written));
  }
  return true;
}

}  // namespace

const std::vector<FirstQuestion>& first_questions() {
  using A = FirstAnswers;
  static const std::vector<FirstQuestion> kQuestions{
      {"--id", "the gateway's name, in each event's id; by default made from the machine id", "",
       &A::id},
      {"--state-dir", "folder for journal and database, on a file system that lasts",
       "/var/lib/wayside", &A::state_dir},
      {"--broker", "the MQTT broker", "mqtt://127.0.0.1:1883", &A::broker},
      {"--topic", "topic of the readings; {x} takes a level as a text field",
       "fleet/{vehicle}/climate", &A::topic},
      {"--key", "what readings belong to: a {level} of the topic", "", &A::key},
      {"--fields", "numbers of the JSON payload, name=path or name, with commas between",
       "temp_c=t", &A::fields},
      {"--time", "field with the event time; none: the arrival counts", "ts", &A::time},
      {"--time-unit", "its form: s, ms, us, ns or rfc3339", "ms", &A::time_unit},
      {"--kafka", "Kafka's brokers, HOST:PORT with commas between; none: events go to files", kNone,
       &A::kafka},
  };
  return kQuestions;
}

Status complete(FirstAnswers& answers, std::istream* in, std::ostream& out) {
  for (const FirstQuestion& question : first_questions()) {
    std::string& answer = answers.*question.answer;
    if (!answer.empty()) continue;
    const std::string proposed = usual(question, answers);
    const bool asked =
        in && !(question.answer == &FirstAnswers::time_unit && answers.time == kNone);
    if (asked) {
      out << question.text << (proposed.empty() ? "" : " [" + proposed + "]") << ": " << std::flush;
      if (!std::getline(*in, answer)) return ended_before(question);
      answer = trimmed(answer);
    }
    if (answer.empty()) answer = proposed;
  }
  return {};
}

Result<std::string> first_config(const FirstAnswers& a) {
  const std::string text =
      "# The first configuration. `wayside config sample` prints every key with its default.\n\n"
      "[gateway]\n" +
      (a.id.empty() ? "" : line("id", a.id)) + line("state_dir", a.state_dir) + "\n[[mqtt]]\n" +
      line("name", "local") + line("url", a.broker) + "\n" + source_text(a) + "\n" +
      window_text(a) + "\n" + uplink_text(a);
  std::vector<ConfigError> errors;
  if (parse_config(text, "", errors)) return text;
  std::string all = "these answers make no good configuration; nothing is written:";
  for (const ConfigError& error : errors) {
    all += "\n  " + line_of(text, error.at.line) + "\n    " + error.message;
  }
  return Error{ErrorCode::kUsage, all};
}

Status write_new_file(const std::string& path, const std::string& text) {
  const auto failed = [&] { return Error{ErrorCode::kIo, path + ": " + std::strerror(errno)}; };
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (fd < 0 && errno == EEXIST) {
    return Error{ErrorCode::kUsage, path +
                                        ": is there already, and stays as it is; give another "
                                        "name with --config, or move it away"};
  }
  if (fd < 0) return failed();
  const bool good = write_all(fd, text) && ::fsync(fd) == 0;
  const Status status = good ? Status() : Status(failed());
  ::close(fd);
  if (!good) ::unlink(path.c_str());
  return status;
}

}  // namespace wayside
