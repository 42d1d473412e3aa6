// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing but times: a workflow as it comes from measurements.

owg.workflow @agent(%q: !owg.data<512> {owg.name = "question"})
    -> (!owg.data<256> {owg.name = "answer"}) {
  %plan = owg.task "plan"(%q : !owg.data<512>) -> !owg.data<256>
      profile #owg.profile<cycles = const<4000>>
  %worked = owg.loop "work"(%s = %plan : !owg.data<256>) -> !owg.data<256>
      profile #owg.profile<trips = geometric<0.5>>
  after {
    %n = owg.task "step"(%s : !owg.data<256>) -> !owg.data<256>
        profile #owg.profile<cycles = lognormal<9000, 0.5>>
    owg.yield %n : !owg.data<256>
  }
  %answer = owg.branch "judge"(%worked : !owg.data<256>) -> !owg.data<256>
      profile #owg.profile<frequencies = [0.75, 0.25]>
  case {
    owg.yield %worked : !owg.data<256>
  } default {
    %again = owg.task "rewrite"(%worked : !owg.data<256>) -> !owg.data<256>
        profile #owg.profile<cycles = exp<20000>>
    owg.yield %again : !owg.data<256>
  }
  owg.return %answer : !owg.data<256>
}
