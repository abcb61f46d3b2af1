use super::connect::Connection;
use crate::codec::NetChanges;
use crate::error::Result;
use crate::model::position::Position;
use crate::model::stream::StreamSink;
use crate::plan::table::TablePlan;
#[derive(Debug)]
pub struct FollowRequest { pub from: Position, pub until: Option<Position>, pub server_id: u32, pub tables: Vec<FollowedTable> }
#[derive(Debug)]
pub struct FollowedTable { pub plan: TablePlan, pub net: NetChanges, pub after: Option<Position>, pub ignores_ddl: bool }
pub async fn follow<H, F>(_: &mut Connection, _: FollowRequest, _: &mut dyn StreamSink, _: &H) -> Result<()> where H: Fn() -> F, F: std::future::Future<Output = ()> { todo!() }
impl Connection {
  pub async fn current_position(&mut self) -> Result<Position> { todo!() }
  pub async fn copy_position(&mut self) -> Result<Position> { todo!() }
  pub async fn snapshot_with_position(&mut self) -> Result<Position> { todo!() }
}
