//! Sophos: the firewall (SFOS, XG), the UTM (SG) and the Web Appliance.

mod swa;
mod utm;
mod xg;

pub(super) use swa::SophosSwa;
pub(super) use utm::SophosUtm;
pub(super) use xg::SophosXg;
