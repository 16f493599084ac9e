// Large and hostile JSON texts, and text made fit for a log.
#include <doctest/doctest.h>

#include <weir/printable.hpp>
#include <weir/value.hpp>

using namespace weir;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (; count > 0; --count) out += text;
  return out;
}

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  REQUIRE(!parsed);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("an object of many members is read, searched, copied and compared in time that grows with it") {
  constexpr std::int64_t count = 100'000;  // where each look-up walks, this takes minutes
  std::string text = "{";
  for (std::int64_t i = 0; i < count; ++i) text += "\"key " + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += R"("key 7":"last","key 50000":null})";
  const auto parsed = parse_json(text);
  REQUIRE(parsed.ok());
  const auto& object = parsed->as_object();
  REQUIRE(object.size() == count);
  CHECK(*object.find("key 7") == Value("last"));
  CHECK(object.find("key 50000")->is_null());
  CHECK(object.find("key") == nullptr);
  CHECK((object.begin() + 7)->first == "key 7");
  for (const auto& [key, value] : object) REQUIRE(object.find(key) == &value);
  auto copy = object;
  CHECK(copy == object);
  copy.set("another", 1);
  copy.set("key 8", "changed");
  CHECK(copy.size() == count + 1);
  CHECK(object.find("another") == nullptr);
  CHECK(*object.find("key 8") == Value(8));
  const auto moved = std::move(copy);
  CHECK(*moved.find("another") == Value(1));
  CHECK(*moved.find("key 8") == Value("changed"));
}

TEST_CASE("objects keep order and the last of equal names at every size") {
  for (const std::size_t size : {1u, 2u, 31u, 32u, 33u, 34u, 63u, 64u, 65u, 129u, 1000u}) {
    Object object;
    for (std::size_t round = 0; round < 2; ++round)
      for (std::size_t i = 0; i < size; ++i) object[std::to_string(i * 7)] = round * 1000 + i;
    REQUIRE(object.size() == size);
    std::size_t i = 0;
    for (const auto& [key, value] : object) {
      CHECK(key == std::to_string(i * 7));
      CHECK(value == Value(1000 + i++));
    }
    const Object assigned = object;
    CHECK(assigned.find(std::to_string((size - 1) * 7)));
    CHECK_FALSE(assigned.find("-1"));
  }
  Object written;
  written = Object{{"a", 1}};
  written["b"] = 2;
  CHECK(to_json(Value(written)) == R"({"a":1,"b":2})");
}

TEST_CASE("names that are alike, long, empty or hold zero bytes are told apart") {
  Object object;
  for (std::size_t i = 0; i < 100; ++i) object.set(std::string(i, 'a'), i);
  object.set(std::string("a\0b", 3), "zero");
  CHECK(object.size() == 101);
  for (std::size_t i = 0; i < 100; ++i) CHECK(*object.find(std::string(i, 'a')) == Value(i));
  CHECK(*object.find(std::string_view("a\0b", 3)) == Value("zero"));
  CHECK_FALSE(object.find(std::string_view("a\0", 2)));
}

TEST_CASE("limits of a text are named when it goes beyond them") {
  CHECK(refusal("[1,2,3]", {.values_max = 3}) == "more than 3 values");
  CHECK(parse_json("[1,2]", {.values_max = 3}).ok());
  CHECK(refusal(R"({"a":{"b":1}})", {.values_max = 2}) == "more than 2 values");
  CHECK(refusal("[[[1]]]", {.depth_max = 2}) == "nested deeper than 2 levels");
  CHECK(refusal(repeat("[", 100'000)) == "nested deeper than 256 levels");
  CHECK(refusal(repeat("{\"a\":", 100'000)) == "nested deeper than 256 levels");
  CHECK(parse_json(repeat("[", 256) + repeat("]", 256)).ok());
  CHECK(refusal("{\"a\":0" + repeat(",\"a\":1", 1000) + "}", {.values_max = 1000}) == "more than 1000 values");
  CHECK(limits_for_strangers.values_max == 2'000'000);
}

TEST_CASE("positions in a text count blanks, of which there may be many") {
  CHECK(refusal("[1,   ") == "Expecting value: line 1 column 7 (char 6)");
  CHECK(refusal("[1,   x") == "Expecting value: line 1 column 7 (char 6)");
  CHECK(refusal("[1,\n\n  x]") == "Expecting value: line 3 column 3 (char 7)");
  CHECK(refusal("[\"\u00e9\u00e9\"  x]") == "Expecting ',' delimiter: line 1 column 8 (char 7)");  // characters, not bytes
  CHECK(refusal("[1]   \n  x") == "Extra data: line 2 column 3 (char 9)");
  CHECK(refusal("{  \"a\"   1}") == "Expecting ':' delimiter: line 1 column 10 (char 9)");
  CHECK(refusal("[\"a   \\\"   b\"    1]") == "Expecting ',' delimiter: line 1 column 18 (char 17)");
  CHECK(refusal(repeat("\n", 300'000) + "x") == "Expecting value: line 300001 column 1 (char 300000)");
  const auto kept = parse_json("  {  \"a  b\"  :  \"c   \\\"   d\"  }  ");
  REQUIRE(kept.ok());
  CHECK(to_json(*kept) == R"({"a  b":"c   \"   d"})");
}

TEST_CASE("long strings, names, numbers and escapes are read as they are") {
  constexpr std::size_t many = 200'000;
  CHECK(parse_json("\"" + std::string(many, 'a') + "\"")->as_string().size() == many);
  CHECK(parse_json("\"" + repeat("\\u00e9", many) + "\"")->as_string().size() == 2 * many);
  CHECK(parse_json("{\"" + std::string(many, 'a') + "\":1}")->find(std::string(many, 'a')));
  CHECK(parse_json("0." + std::string(many, '0') + "1")->as_double() == 0);
  CHECK(parse_json("1" + std::string(many, '0') + "e-200000")->as_double() == 1);
  CHECK_FALSE(parse_json(std::string(many, '7')).ok());
}

TEST_CASE("what would act on a terminal or a log is written out, and the rest kept") {
  CHECK(printable("") == "");
  CHECK(printable("plain, \xC5\xBElu\xC5\xA5 and \xF0\x9F\x98\x80 \\ 'x'") == "plain, \xC5\xBElu\xC5\xA5 and \xF0\x9F\x98\x80 \\ 'x'");
  CHECK(printable("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(printable("\x1b[31mred\x1b[0m\x07\x7f") == "\\u001b[31mred\\u001b[0m\\u0007\\u007f");
  CHECK(printable(std::string_view("\0", 1)) == "\\u0000");
  CHECK(printable("\xC2\x9B"
                  "31m \xC2\x85") == "\\u009b31m \\u0085");
  CHECK(printable("\xE2\x80\xA8 \xE2\x80\xAE \xE2\x81\xA6") == "\\u2028 \\u202e \\u2066");
  CHECK(printable("\xff\xC3(\xE2\x82") == "\\xff\\xc3(\\xe2\\x82");
  CHECK(printable("\xED\xA0\x80\xC0\xAF") == "\\xed\\xa0\\x80\\xc0\\xaf");
  CHECK(printable_lines("one\ntwo\x1b\r\n") == "one\ntwo\\u001b\\r\n");
  const Value value(Object{{"a", "\xC2\x9B\x7f\n\xE2\x80\xAE"}});
  CHECK(*parse_json(printable(to_json(value))) == value);
}
