// Fields of an event from a command line: taken, or refused with a sentence; what is taken can be written.
#include "target.hpp"

#include "http/cli/fields.hpp"

#include <weir/assert.hpp>

#include <exception>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  std::vector<std::string> words;
  for (std::size_t end = 0; end != text.npos;) {
    end = text.find('\n');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  static const auto schema =
      *weir::parse_json(R"({"properties":{"n":{"type":"integer"},"s":{"type":"string"},"b":{"anyOf":[{"type":"boolean"},{"type":"null"}]},
    "r":{"$ref":"#/$defs/R"}},"$defs":{"R":{"type":"object"}}})");
  if (words.size() == 1 && words[0] == "-") return 0;  // standard input
  try {
    const auto fields = weir::cli::parse_fields(words, schema);
    WEIR_ASSERT(weir::parse_json(to_json(weir::Value(fields))).ok(), "fields that cannot be read again");
  } catch (const std::exception& error) { WEIR_ASSERT(*error.what() != '\0', "a refusal without a word"); }
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  return {"n=1\ns=5\nb=null", "a:=[1,{\"x\":null}]", "{\"n\":1,\"s\":\"x\"}", "r={\"a\":1}\ns:=\"\\u00e9\""};
}
std::vector<std::string> fuzz::words() {
  return {
      "=", ":=", "\n", "{", "}", "[", "]", "\"", "\\u", "\\ud83d", "1e400", "-0", "NaN", "true", "null", "\xFF", "18446744073709551615"};
}
