// The visitor that writes: every key with its default, or an example where there is none, and what
// it means.
#include "base/text.h"
#include "config/describe.h"

namespace wayside {
namespace {

class SampleWriter : public ConfigVisitor {
 public:
  SampleWriter(const char* section, std::string& out) : section_(section), out_(out) {}

  void text(const Key& key, std::string& value) override {
    line(key, json_string(key.sample ? key.sample : value), value.empty() && !key.required);
  }
  void texts(const Key& key, std::vector<std::string>&) override {
    line(key, key.sample ? key.sample : "[]", !key.required);
  }
  void duration(const Key& key, int64_t& ms, int64_t) override {
    line(key, key.sample ? key.sample : json_string(format_duration(ms)), false);
  }
  void duration_or_off(const Key& key, std::optional<int64_t>& ms) override {
    line(key, json_string(ms ? format_duration(*ms) : "off"), false);
  }
  void bytes(const Key& key, uint64_t& bytes, uint64_t) override {
    line(key, json_string(format_bytes(bytes)), false);
  }
  void integer(const Key& key, int64_t& value, int64_t, int64_t) override {
    line(key, std::to_string(value), false);
  }
  void count_or_duration(const Key& key, uint32_t& count, int64_t&, uint32_t) override {
    line(key, std::to_string(count), false);
  }
  void number(const Key& key, double& value) override {
    std::string text;
    append_json_number(text, value);
    line(key, text, false);
  }
  void flag(const Key& key, bool& value) override { line(key, value ? "true" : "false", false); }
  void choice(const Key& key, int& value, std::span<const Choice> choices) override {
    for (const Choice& c : choices) {
      if (c.value == value) line(key, json_string(c.name), false);
    }
  }
  void secret(const Key& key, std::string&) override {
    line(key, "{ file = " + json_string(key.sample) + " }", true);
  }
  void items(const Key& key, std::vector<std::pair<std::string, std::string>>&) override {
    line(key, key.sample, !key.required);
  }
  void settings(const Key& key, std::vector<Setting>&) override {
    line(key, key.sample, !key.required);
  }
  void url(const Key& key, MqttOptions&) override { line(key, json_string(key.sample), false); }
  void time(const Key& key, std::string&, TimeForm&) override { line(key, key.sample, false); }
  void fields(const Key& key, std::vector<FieldOptions>&) override {
    out_ += "[" + std::string(section_) + ".fields]  # " + key.help + "\n";
    out_ += "temp_c = { path = \"t\", unit = \"C\", min = -60, max = 90";
    if (kHasDevices && std::string_view(section_) == "source") {  // a command is taken as it is
      out_ += ", max_rate = 0.5, accept_after = 3, stuck_after = \"1d\", stuck = \"mark\"";
      out_ += ", smooth = \"median:5\", fill = \"5m\"";
    }
    out_ += " }\nlat = \"lat\"\nlon = \"lon\"\n";
    out_ += "door = { path = \"door\", type = \"text\" }\n";
    out_ += "speed = { path = \"spd\", unit = \"km/h\" }\n";
  }
  void position(const Key& key, PositionOptions&) override {
    if (kHasDevices) line(key, key.sample, true);
  }
  void calibrations(const Key& key, std::vector<std::pair<std::string, Calibration>>&) override {
    line(key, key.sample, true);
  }
  void steps(const Key& key, std::vector<PatternStep>&) override { line(key, key.sample, false); }

 private:
  // A key that has no default is written as a comment.
  void line(const Key& key, const std::string& value, bool commented) {
    out_ +=
        (commented ? "# " : "") + std::string(key.name) + " = " + value + "  # " + key.help + "\n";
  }

  const char* section_;
  std::string& out_;
};

template <class Options>
void write_section(const char* name, Options& options, std::string& out) {
  out += "\n[" + std::string(name) + "]\n";
  SampleWriter writer(name, out);
  describe(writer, options);
}

template <class Options>
void write_section(const char* name, std::vector<Options>&, std::string& out) {
  out += "\n[[" + std::string(name) + "]]\n";
  Options options;
  SampleWriter writer(name, out);
  describe(writer, options);
}

}  // namespace

std::string sample_config() {
  std::string out = "# Every key of wayside, with its default. Keys that are comments have none.\n";
  Config config;
  for_each_section(config,
                   [&](const char* name, auto& options) { write_section(name, options, out); });
  return out;
}

}  // namespace wayside
