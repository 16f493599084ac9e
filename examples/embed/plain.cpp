// A plain program: workflows without HTTP. plain [FILE]: with a file, what it has begun goes on when it is started again.
#include <weir/weir.hpp>

#include <iostream>

struct Numbers {
  using kind = weir::StartEvent;
  std::vector<int> values;
};
struct Square {
  int of;
};
struct Squared {
  int value;
};
struct Sum {
  using kind = weir::StopEvent;
  int value;
};

struct SumOfSquares : weir::Workflow {
  SumOfSquares() {
    step<&SumOfSquares::split>();
    step<&SumOfSquares::square>();
    step<&SumOfSquares::add>();
  }
  std::vector<Square> split(const Numbers& numbers) {
    std::vector<Square> out;
    for (const int value : numbers.values) out.push_back({value});
    return out;
  }
  Squared square(weir::Context& ctx, const Square& square) {
    ctx.write_event_to_stream(square);
    return {square.of * square.of};
  }
  Sum add(const std::vector<Squared>& squares) {
    Sum out{0};
    for (const auto& square : squares) out.value += square.value;
    return out;
  }
};

int main(int argc, char** argv) {
  weir::Runtime runtime{{.store = argc > 1 ? weir::sqlite(argv[1]) : weir::memory()}};
  runtime.add_workflow<SumOfSquares>("sum");
  runtime.recover();

  auto run = runtime.start("sum", Numbers{{1, 2, 3}});
  for (const auto& event : run.events())
    if (const auto* square = event.as<Square>()) std::cout << "squaring " << square->of << '\n';
  std::cout << "sum: " << run.result<Sum>().value << '\n';
}
