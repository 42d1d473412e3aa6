// RUN: octo-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{has an empty list of records; drop 'records'}}
octo.program @empty attributes {records = []} {
  %body = octo.entry
  octo.exit in %body
}

// -----

// expected-error @below {{has record 1, which ends within an entry; an entry is block, tag, number of values and the values}}
octo.program @cut attributes {records = [array<i64>, array<i64: -1, 0, 2, 5>]} {
  %body = octo.entry
  octo.exit in %body
}

// -----

// expected-error @below {{has record 0 of block 1, but 1 blocks}}
octo.program @far attributes {records = [array<i64: 1, 0, 0>]} {
  %body = octo.entry
  octo.tb "p/t" in %body @k() profile <[{draw = #octo.dist<100>}]> : () -> ()
  octo.exit in %body
}
octo.kernel @k profiled on general code 1 : () -> ()
