// RUN: octo-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @below {{expected a distribution, such as const<1000>}}
"test.op"() {a = #owg.dist<7>} : () -> ()
// -----
// expected-error @below {{unknown distribution 'gauss'; there are const, uniform, exp, normal, lognormal, geometric, bernoulli, empirical}}
"test.op"() {a = #owg.dist<gauss<7>>} : () -> ()
// -----
// expected-error @below {{expected a number that is not negative}}
"test.op"() {a = #owg.dist<const<-7>>} : () -> ()
// -----
// expected-error @below {{const takes 1 parameter (value), got 2}}
"test.op"() {a = #owg.dist<const<7, 8>>} : () -> ()
// -----
// expected-error @below {{uniform takes 2 parameters (lower, upper), got 1}}
"test.op"() {a = #owg.dist<uniform<7>>} : () -> ()
// -----
// expected-error @below {{uniform needs lower <= upper, got 9 and 8.5}}
"test.op"() {a = #owg.dist<uniform<9, 8.5>>} : () -> ()
// -----
// expected-error @below {{lognormal needs a mean above 0}}
"test.op"() {a = #owg.dist<lognormal<0, 1>>} : () -> ()
// -----
// expected-error @below {{geometric takes a probability in (0, 1], got 0}}
"test.op"() {a = #owg.dist<geometric<0>>} : () -> ()
// -----
// expected-error @below {{bernoulli takes a probability between 0 and 1, got 1.5}}
"test.op"() {a = #owg.dist<bernoulli<1.5>>} : () -> ()
// -----
// expected-error @below {{empirical has 2 values but 1 weights}}
"test.op"() {a = #owg.dist<empirical<[1, 2], [1]>>} : () -> ()
// -----
// expected-error @below {{empirical takes at least one value and as many weights as values}}
"test.op"() {a = #owg.dist<empirical<[]>>} : () -> ()
// -----
// expected-error @below {{weights of empirical must have a sum above 0}}
"test.op"() {a = #owg.dist<empirical<[1], [0]>>} : () -> ()
// -----
// expected-error @below {{parameters of exp must be finite and not negative}}
"test.op"() {a = #owg.dist<exp<1.0e999>>} : () -> ()
// -----
// expected-error @below {{unknown entry 'cycle' of a profile; there are cycles, work, alpha, max_gang, gang, state_bytes, code_bytes, out_bytes, frequencies, trips, count, drift}}
"test.op"() {a = #owg.profile<cycle = exp<1>>} : () -> ()
// -----
// expected-error @below {{entry 'alpha' is given twice}}
"test.op"() {a = #owg.profile<alpha = 1, alpha = 1>} : () -> ()
// -----
// expected-error @below {{'alpha' must be between 0 and 1}}
"test.op"() {a = #owg.profile<alpha = 1.5>} : () -> ()
// -----
// expected-error @below {{'gang' must be an integer of at least 1}}
"test.op"() {a = #owg.profile<gang = 0>} : () -> ()
// -----
// expected-error @below {{'code_bytes' must be an integer of at least 0}}
"test.op"() {a = #owg.profile<code_bytes = -1>} : () -> ()
// -----
// expected-error @below {{'frequencies' must be a list of numbers between 0 and 1}}
"test.op"() {a = #owg.profile<frequencies = [1.25]>} : () -> ()
// -----
// expected-error @below {{unknown kind of work 'flops'; there are mac, vector, scalar, bytes}}
"test.op"() {a = #owg.profile<work = {flops = const<1>}>} : () -> ()
// -----
// expected-error @below {{kind of work 'mac' is given twice}}
"test.op"() {a = #owg.profile<work = {mac = const<1>, mac = const<1>}>} : () -> ()
// -----
// expected-error @below {{'work' must name at least one kind of work}}
"test.op"() {a = #owg.profile<work = {}>} : () -> ()
// -----
// expected-error @below {{a profile gives 'cycles' or 'work', not both}}
"test.op"() {a = #owg.profile<cycles = const<1>, work = {mac = const<1>}>} : () -> ()
// -----
// expected-error @below {{a profile gives 'gang' or 'max_gang', not both}}
"test.op"() {a = #owg.profile<gang = 1, max_gang = 2>} : () -> ()
// -----
// expected-error @below {{'drift' must begin above request 0 and increase, got 5 after 5}}
"test.op"() {a = #owg.profile<drift = [from 5 <>, from 5 <>]>} : () -> ()
// -----
// expected-error @below {{'drift' cannot be nested}}
"test.op"() {a = #owg.profile<drift = [from 5 <drift = [from 6 <>]>]>} : () -> ()
// -----
// expected-error @below {{a pin must give at least one of cluster, tbu, gang}}
"test.op"() {a = #owg.pin<>} : () -> ()
// -----
// expected-error @below {{a pin that gives a tbu must give its cluster too}}
"test.op"() {a = #owg.pin<tbu = 1>} : () -> ()
// -----
// expected-error @below {{cluster and tbu of a pin must not be negative}}
"test.op"() {a = #owg.pin<cluster = -1>} : () -> ()
// -----
// expected-error @below {{gang of a pin must be at least 1 PEA}}
"test.op"() {a = #owg.pin<gang = 0>} : () -> ()
// -----
// expected-error @below {{unknown entry 'die' of a pin; there are cluster, tbu, gang}}
"test.op"() {a = #owg.pin<die = 0>} : () -> ()
// -----
// expected-error @below {{entry 'gang' is given twice}}
"test.op"() {a = #owg.pin<gang = 1, gang = 1>} : () -> ()
// -----
// expected-error @below {{size of !owg.data must be 0 or more bytes or '?', got -4}}
"test.op"() {a = !owg.data<-4>} : () -> ()
