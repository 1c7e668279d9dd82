pub(crate) fn ours(_: &crate::home::Home, _: &mut crate::report::Report) {}
pub(crate) fn kserve(_: &crate::home::Home, _: &mut crate::report::Report) {}
