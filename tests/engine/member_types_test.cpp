// Durations, instants, paths, lists of a fixed length and variants as members of events: exact, both ways, or refused by name.
#include <doctest/doctest.h>

#include "conversions.hpp"

#include <weir/envelope.hpp>

#include <random>

using namespace weir;

namespace member_types {

struct Forms {
  std::chrono::milliseconds pause{};
  std::chrono::hours shift{};
  std::chrono::duration<double> measured{};
  std::chrono::nanoseconds fine{};
  std::chrono::sys_seconds at{};
  std::chrono::system_clock::time_point now{};
  std::chrono::sys_days day{};
  std::filesystem::path file;
  std::set<std::string> tags;
  std::array<int, 3> box{};
  std::tuple<int, std::string> named{};
  std::pair<std::string, bool> flag{};
};
struct Fixed {
  std::array<int, 3> box;
  std::tuple<int, std::string> named;
};
struct Circle {
  double radius = 0;
};
struct Square {
  double side = 0;
};
struct Alternatives {
  std::variant<int, std::string, bool> any;
  std::variant<Circle, Square, std::vector<int>> shape;
  std::variant<std::monostate, double> maybe;
};

}  // namespace member_types

using namespace conversions;
using namespace member_types;

namespace {

template <class D>
std::string text_of(D span) {
  return codec::encoded(span);
}
template <class D>
std::optional<D> as_duration(std::string_view json) {
  const auto out = from_value<D>(*parse_json(json));
  return out ? std::optional(*out) : std::nullopt;
}
template <class T>
std::string why(const char* json) {
  const auto out = from_value<T>(*parse_json(json));
  REQUIRE(!out.ok());
  return out.error().message;
}

}  // namespace

TEST_CASE("durations are ISO 8601 text, both ways") {
  using namespace std::chrono;
  CHECK(text_of(1500ms) == R"("PT1.5S")");
  CHECK(text_of(0s) == R"("PT0S")");
  CHECK(text_of(-1500ms) == R"("-PT1.5S")");
  CHECK(text_of(26h + 3min) == R"("PT26H3M")");
  CHECK(text_of(1h + 1ns) == R"("PT1H0.000000001S")");
  CHECK(text_of(std::chrono::duration<double>(0.1)) == R"("PT0.1S")");
  CHECK(as_duration<milliseconds>(R"("PT1.5S")") == 1500ms);
  CHECK(as_duration<milliseconds>(R"("PT1,5S")") == 1500ms);
  CHECK(as_duration<seconds>(R"("P1W2DT3H4M5S")") == days(9) + 3h + 4min + 5s);
  CHECK(as_duration<seconds>(R"("-P1D")") == -days(1));
  CHECK(as_duration<seconds>(R"("PT0.5H")") == 30min);
  CHECK(as_duration<seconds>("90") == 90s);
  CHECK(as_duration<milliseconds>("1.5") == 1500ms);
  CHECK(as_duration<nanoseconds>("1e-9") == 1ns);
  CHECK(as_duration<std::chrono::duration<double>>(R"("PT1M0.5S")") == std::chrono::duration<double>(60.5));
  for (const char* wrong : {R"("")", R"("P")", R"("PT")", R"("P1DT")", R"("P1Y")", R"("P1M")", R"("PT1.5H3M")", R"("PT3M1H")", R"("1.5S")",
                            R"("PT1S ")", R"("PTS")", R"("PT1.S")", R"("P1.0000000000000000000000000000000001D")", "true", "null", "[]"})
    CHECK_MESSAGE(why<milliseconds>(wrong).find("Input should be a valid duration") != std::string::npos, wrong);
  CHECK(why<milliseconds>(R"("PT0.0001S")").find("Input should be a multiple of 1/1000 s") != std::string::npos);
  CHECK(why<hours>("60").find("Input should be a multiple of 3600 s") != std::string::npos);
  CHECK(why<nanoseconds>(R"("P999999D")").find("Input is out of this field's range") != std::string::npos);
}

TEST_CASE("instants keep the unit of their type") {
  using namespace std::chrono;
  const sys_time<nanoseconds> fine(1'767'225'600s + 123'456'789ns);
  CHECK(codec::encoded(fine) == R"("2026-01-01T00:00:00.123456789Z")");
  CHECK(codec::encoded(sys_time<nanoseconds>(1ns)) == R"("1970-01-01T00:00:00.000000001Z")");
  CHECK(codec::encoded(sys_time<nanoseconds>(-1ns)) == R"("1969-12-31T23:59:59.999999999Z")");
  CHECK(from_value<sys_time<nanoseconds>>(Value("2026-01-01T01:00:00.123456789+01:00")).value() == fine);
  CHECK(from_value<sys_days>(Value("2026-01-01")).value() == sys_days(2026y / 1 / 1));
  CHECK(why<sys_seconds>(R"("2026-01-01T00:00:00.5Z")").find("Input should be a multiple of 1 s") != std::string::npos);
  CHECK(why<sys_time<nanoseconds>>(R"("2999-01-01")").find("Input is out of this field's range") != std::string::npos);
  CHECK(why<sys_seconds>(R"("soon")").find("Input should be a valid datetime") != std::string::npos);
}

TEST_CASE("lists of a fixed length are refused by name when they have another") {
  Forms forms;
  forms.box = {1, 2, 3};
  forms.named = {7, "x"};
  forms.flag = {"on", true};
  CHECK(codec::encoded(forms).find(R"("box":[1,2,3],"named":[7,"x"],"flag":["on",true])") != std::string::npos);
  CHECK(read<Fixed>(R"({"box":["1",2,3],"named":[1,"a"]})")->box == std::array{1, 2, 3});
  CHECK(refusal<Forms>(R"({"box":[1,2]})").find("box\n  List should have at least 3 items after validation, not 2 [type=too_short") !=
        std::string::npos);
  CHECK(refusal<Forms>(R"({"named":[1,"a",2]})").find("named\n  List should have at most 2 items after validation, not 3 [type=too_long") !=
        std::string::npos);
  CHECK(refusal<Forms>(R"({"named":[1,2]})").find("named.1\n  Input should be a valid string") != std::string::npos);
  CHECK(refusal<Forms>(R"({"file":3})").find("file\n  Input is not a valid path") != std::string::npos);
}

TEST_CASE("a variant's alternatives are told apart by how they are written") {
  for (const std::variant<int, std::string, bool>& any :
       {std::variant<int, std::string, bool>(5), {std::string("5")}, {true}, {std::string("true")}})
    CHECK(there_and_back(Alternatives{.any = any, .shape = {}, .maybe = {}}).any == any);
  const auto shaped = [](auto shape) { return there_and_back(Alternatives{.any = {}, .shape = shape, .maybe = {}}).shape.index(); };
  CHECK(shaped(Circle{2}) == 0);
  CHECK(shaped(Square{2}) == 1);
  CHECK(shaped(std::vector{1}) == 2);
  CHECK(there_and_back(Alternatives{.any = {}, .shape = {}, .maybe = 3.0}).maybe.index() == 1);
  CHECK(there_and_back(Alternatives{.any = {}, .shape = {}, .maybe = {}}).maybe.index() == 0);
  CHECK(refusal<Alternatives>(R"({"shape":7})").find("shape\n") != std::string::npos);
}

TEST_CASE("schemas of durations, instants, paths and lists of a fixed length") {
  const auto schema = codec::root_schema<Forms>();
  const auto of = [&](const char* name) { return to_json(*schema.find("properties")->find(name)); };
  CHECK(of("pause").find(R"("format":"duration")") != std::string::npos);
  CHECK(of("now").find(R"("format":"date-time")") != std::string::npos);
  CHECK(of("file").find(R"("format":"path")") != std::string::npos);
  CHECK(of("box").find(R"("items":{"type":"integer"},"maxItems":3,"minItems":3)") != std::string::npos);
  CHECK(of("named").find(R"("maxItems":2,"minItems":2,"prefixItems":[{"type":"integer"},{"type":"string"}])") != std::string::npos);
}

TEST_CASE("random durations, instants, texts and lists come back as they were") {
  constexpr unsigned seed = 20;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto bits = [&] { return static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 == 0 ? 1 : -1); };
  using namespace std::chrono;
  for (int i = 0; i < 2000; ++i) {
    Forms in;
    in.pause = milliseconds(bits());
    in.shift = hours(bits());
    in.measured = std::chrono::duration<double>(static_cast<double>(bits()) / 1024);
    in.fine = nanoseconds(bits());
    in.at = sys_seconds(seconds(bits() % 8'000'000'000'000));
    in.now = sys_time<nanoseconds>(nanoseconds(bits()));
    in.day = sys_days(days(bits() % 3'000'000));
    in.file = "/tmp/" + std::to_string(bits());
    in.tags = {std::to_string(bits()), "PT1S"};
    in.box = {static_cast<int>(bits()), 0, static_cast<int>(bits())};
    in.named = {static_cast<int>(bits()), std::to_string(bits())};
    const auto out = there_and_back(in);
    CHECK(out.pause == in.pause);
    CHECK(out.shift == in.shift);
    CHECK(out.measured == in.measured);
    CHECK(out.fine == in.fine);
    CHECK(out.at == in.at);
    CHECK(out.now == in.now);
    CHECK(out.day == in.day);
    CHECK(out.file == in.file);
    CHECK((out.tags == in.tags && out.box == in.box && out.named == in.named));
  }
}
