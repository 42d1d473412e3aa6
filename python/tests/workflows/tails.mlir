// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times only, under every kind of control block, some within others.

owg.workflow @tails(%q: !owg.data<64>) -> (!owg.data<64>, !owg.data<?>) {
  %none = owg.nothing : !owg.data<0>
  %plan = owg.task "plan"(%q : !owg.data<64>) -> !owg.data<64>
      profile #owg.profile<cycles = lognormal<6000, 0.8>>
  %worked = owg.loop "rounds"(%s = %plan : !owg.data<64>) -> !owg.data<64>
      profile #owg.profile<trips = geometric<0.4>>
  after {
    %step = owg.task "step"(%s : !owg.data<64>) -> !owg.data<64>
        profile #owg.profile<cycles = exp<3000>>
    %parts = owg.fanout "parts"(%t = %step : !owg.data<64>) init(concat %none : !owg.data<0>) -> !owg.data<?>
        profile #owg.profile<count = empirical<[1, 2, 6], [0.5, 0.3, 0.2]>>
    each (%i) {
      %part = owg.task "part"(%t : !owg.data<64>) -> !owg.data<64>
          profile #owg.profile<cycles = normal<900, 200>>
      owg.yield %part : !owg.data<64>
    }
    %merged = owg.task "merge"(%parts : !owg.data<?>) -> !owg.data<64>
        profile #owg.profile<cycles = const<500>>
    owg.yield %merged : !owg.data<64>
  }
  %judged = owg.branch "judge"(%worked : !owg.data<64>) -> !owg.data<64>
      profile #owg.profile<frequencies = [0.7, 0.3]>
  case {
    %quick = owg.task "quick"(%worked : !owg.data<64>) -> !owg.data<64>
        profile #owg.profile<cycles = const<1000>>
    owg.yield %quick : !owg.data<64>
  } default {
    %slow = owg.task "slow"(%worked : !owg.data<64>) -> !owg.data<64>
        profile #owg.profile<cycles = exp<12000>>
    owg.yield %slow : !owg.data<64>
  }
  %opinions = owg.select "ask"(%judged : !owg.data<64>) init(concat %none : !owg.data<0>) -> !owg.data<?>
      profile #owg.profile<frequencies = [0.05, 0.6]>
  member {
    %rare = owg.task "rare"(%judged : !owg.data<64>) -> !owg.data<64>
        profile #owg.profile<cycles = uniform<5000, 15000>>
    owg.yield %rare : !owg.data<64>
  } member {
    %usual = owg.task "usual"(%judged : !owg.data<64>) -> !owg.data<64>
        profile #owg.profile<cycles = lognormal<4000, 1.0>>
    owg.yield %usual : !owg.data<64>
  }
  owg.return %judged, %opinions : !owg.data<64>, !owg.data<?>
}
