# SPDX-License-Identifier: MIT
# The protocol itself: tests/batch.
tilewright batch pages/ </dev/null || echo "exit $?"
tilewright batch --tile many </dev/null || echo "exit $?"
tilewright batch --jobs -1 </dev/null || echo "exit $?"
tilewright batch --memory 20M </dev/null || echo "exit $?"
tilewright batch --memory 200M --device cpu </dev/null
printf 'nonsense\n' | tilewright batch --quiet --memory 200M || echo "exit $?"
